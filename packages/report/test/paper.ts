/** A stream that keeps what is written to it. */
import { Writable } from 'node:stream';

export class Paper extends Writable {
  text = '';
  readonly columns?: number;
  readonly rows?: number;
  readonly isTTY?: boolean;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
