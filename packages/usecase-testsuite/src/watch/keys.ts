/** Reads keys from a terminal: single letters, and the line of a filter. Does not know what they do. */
import { emitKeypressEvents, type Key } from 'node:readline';
import type { WatchKey } from './session.ts';

/** A terminal's input. */
export type KeyInput = NodeJS.ReadableStream & { setRawMode(isRaw: boolean): unknown };

/** What keys cause. */
export interface KeyListener {
  key(key: WatchKey): void;
  /** `q` and Ctrl-C. */
  interrupt(): void;
  /** Ctrl-\. */
  quit(): void;
  /** Ctrl-Z; the terminal is in its own mode meanwhile. */
  suspend(): void;
  /** False while the terminal shows a run: then no query can be typed. */
  mayType(): boolean;
  /** A query is being typed, or no longer. */
  typing(isTyping: boolean): void;
  /** The line that is being typed, after each change of it; undefined: the line is over. */
  line(text: string | undefined): void;
}

const letters: Readonly<Record<string, WatchKey>> = {
  a: { kind: 'all' },
  f: { kind: 'failed' },
  return: { kind: 'again' },
  enter: { kind: 'again' },
};

/** Reads keys until the returned function is called. */
export function readKeys(input: KeyInput, listener: KeyListener): () => void {
  const keys = new Keys(input, listener);
  const press = (text: string | undefined, key: Key): void => keys.press(text ?? '', key);
  emitKeypressEvents(input);
  input.setRawMode(true);
  input.on('keypress', press);
  input.resume();
  return () => {
    input.removeListener('keypress', press);
    input.setRawMode(false);
    input.pause();
  };
}

class Keys {
  readonly #input: KeyInput;
  readonly #listener: KeyListener;
  /** The query as far as it has been typed. */
  #line: string | undefined;

  constructor(input: KeyInput, listener: KeyListener) {
    this.#input = input;
    this.#listener = listener;
  }

  press(text: string, { name = '', ctrl = false, sequence = '' }: Key): void {
    if (ctrl && name === 'c') this.#listener.interrupt();
    else if (ctrl && name === 'z') this.#suspend();
    else if (sequence === '\u001c') this.#listener.quit();
    else if (this.#line !== undefined) this.#type(this.#line, { text, name, ctrl });
    else if (!ctrl) this.#command(text, name);
  }

  #command(text: string, name: string): void {
    if (name === 'q') this.#listener.interrupt();
    else if (text === '/' || name === 'p') {
      if (this.#listener.mayType()) this.#edit('');
    } else {
      const known = Object.hasOwn(letters, name) ? letters[name] : undefined;
      if (known !== undefined) this.#listener.key(known);
    }
  }

  #type(line: string, { text, name, ctrl }: Typed): void {
    if (name === 'return' || name === 'enter') {
      this.#edit(undefined);
      this.#listener.key({ kind: 'filter', query: line.trim() });
      this.#listener.typing(false);
    } else if (name === 'escape') {
      this.#edit(undefined);
      this.#listener.typing(false);
    } else if (name === 'backspace') this.#edit([...line].slice(0, -1).join(''));
    else if (ctrl && name === 'u') this.#edit('');
    else if (!ctrl && text >= ' ') this.#edit(line + text);
  }

  #edit(line: string | undefined): void {
    if (this.#line === undefined) this.#listener.typing(true);
    this.#line = line;
    this.#listener.line(line);
  }

  #suspend(): void {
    this.#input.setRawMode(false);
    this.#listener.suspend();
    this.#input.setRawMode(true);
  }
}

interface Typed {
  readonly text: string;
  readonly name: string;
  readonly ctrl: boolean;
}
