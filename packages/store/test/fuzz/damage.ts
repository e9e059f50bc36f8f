/** All ways to damage one file of a journal: cut or changed at every byte, with lost sectors, from an earlier time, or missing. */
import type { Files, Original } from './originals.ts';

/** One way to damage a journal. */
export type Damage =
  /** Its first `at` bytes are left. */
  | { readonly kind: 'cut'; readonly file: string; readonly at: number }
  /** One bit of the byte is changed. */
  | { readonly kind: 'flip'; readonly file: string; readonly at: number; readonly bit: number }
  /** So many bytes are zeros, as after a write that the power failure interrupted. */
  | { readonly kind: 'zeros'; readonly file: string; readonly at: number; readonly size: number }
  /** It is as it was after an earlier session. */
  | { readonly kind: 'older'; readonly file: string }
  | { readonly kind: 'remove'; readonly file: string };

type Kind = Damage['kind'];

/** Damages of one kind and file. */
interface Family {
  readonly kind: Kind;
  readonly file: string;
  readonly count: number;
  at(index: number): Damage;
}

/** The damages of one journal, numbered. */
export class Damages {
  readonly #families: readonly Family[];
  readonly count: number;

  constructor(original: Original) {
    this.#families = [...original.files].flatMap(([file, bytes]) => familiesOf(original, file, bytes));
    this.count = this.#families.reduce((sum, { count }) => sum + count, 0);
  }

  /** From 0. */
  at(number: number): Damage {
    let index = number;
    for (const family of this.#families) {
      if (index < family.count) return family.at(index);
      index -= family.count;
    }
    throw new RangeError(`there are only ${this.count} damages`);
  }
}

function familiesOf({ older }: Original, file: string, bytes: Buffer): Family[] {
  // A long body is compared with its checksum as a whole: not every byte of it matters. Of the head, only the slots are used.
  const step = file.startsWith('blobs') ? 64 : 1;
  const size = file === 'head' ? 128 : bytes.length;
  const places = Math.ceil(size / step);
  const sectors = [512, 4096].flatMap((length) =>
    Array.from({ length: Math.ceil(size / length) }, (_, index) => ({ at: index * length, size: length })),
  );
  const wasOther = older.get(file)?.equals(bytes) === false;
  return [
    { kind: 'cut', file, count: places, at: (index) => ({ kind: 'cut', file, at: index * step }) },
    {
      ...{ kind: 'flip', file, count: places },
      at: (index) => ({ kind: 'flip', file, at: index * step, bit: (index * 5 + (index >> 3)) % 8 }),
    },
    {
      ...{ kind: 'zeros', file, count: sectors.length },
      at: (index) => ({ kind: 'zeros', file, ...(sectors[index] as { at: number; size: number }) }),
    },
    { kind: 'older', file, count: wasOther ? 1 : 0, at: () => ({ kind: 'older', file }) },
    { kind: 'remove', file, count: 1, at: () => ({ kind: 'remove', file }) },
  ];
}

/** The damaged content of the file; undefined where it is missing. */
export function damagedBytes(files: Files, older: Files, damage: Damage): Buffer | undefined {
  const bytes = files.get(damage.file) as Buffer;
  switch (damage.kind) {
    case 'cut':
      return bytes.subarray(0, damage.at);
    case 'flip': {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(damage.at) ^ (1 << damage.bit), damage.at);
      return copy;
    }
    case 'zeros':
      return Buffer.from(bytes).fill(0, damage.at, Math.min(damage.at + damage.size, bytes.length));
    case 'older':
      return older.get(damage.file);
    case 'remove':
      return undefined;
    default:
      return damage satisfies never;
  }
}
