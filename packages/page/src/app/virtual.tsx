/** A long list of rows of one height, of which only those in sight are in the document; with the keys of a list. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface VirtualProps<Item> {
  readonly items: readonly Item[];
  readonly keyOf: (item: Item) => string;
  readonly rowHeight: number;
  /** The number of the active row; -1 for none. */
  readonly active: number;
  readonly label: string;
  readonly render: (item: Item, number: number) => JSX.Element;
  /** Keys that the list itself does not know. Returns true where it used one. */
  readonly onKey: (event: KeyboardEvent) => void;
}

/** Rows beyond the edges that are there already, so that scrolling shows no gaps. */
const BEYOND = 12;

/** The list. Rows get `role="treeitem"` by `render`, with the id `row-` and their number. */
export function VirtualRows<Item>(props: VirtualProps<Item>): JSX.Element {
  const { items, keyOf, rowHeight, active, label, render, onKey } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(800);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = box.current;
    if (element === null || active < 0) return;
    const at = active * rowHeight;
    if (at < element.scrollTop) element.scrollTop = Math.max(0, at - rowHeight);
    else if (at + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = at + 2 * rowHeight - element.clientHeight;
  }, [active, rowHeight]);
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + BEYOND);
  const isInDocument = active >= first && active < last;
  return (
    <div
      class="rows"
      ref={box}
      role="tree"
      tabIndex={0}
      aria-label={label}
      {...(isInDocument && { 'aria-activedescendant': `row-${active}` })}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKey}
    >
      <div class="rows-all" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(first, last).map((item, at) => (
          <div
            class="row-place"
            role="presentation"
            key={keyOf(item)}
            style={{ transform: `translateY(${(first + at) * rowHeight}px)`, height: `${rowHeight}px` }}
          >
            {render(item, first + at)}
          </div>
        ))}
      </div>
    </div>
  );
}
