/** Keeps what the last build printed: all of it for who asks, and the first error for everybody. */

import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { bareErrorInLine, errorInLine, type CompilerError } from './compiler-error.ts';

export interface BuildOutput {
  /** Where the build tool prints. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Another build begins. */
  clear(): void;
  /** The end of it, as it was printed. */
  text(): string;
  readonly firstError: CompilerError | undefined;
  /** How many more of that kind there were. */
  readonly moreErrors: number;
  /** Where no error named a file. */
  readonly bareError: string | undefined;
}

const keptCharacters = 512 * 1024;
const longestLine = 8 * 1024;

/** `shown`: where it goes as well, as it comes. */
export function createBuildOutput(options: {
  readonly isTTY: boolean;
  readonly shown?: NodeJS.WritableStream | undefined;
}): BuildOutput {
  const { shown } = options;
  let kept = '';
  let rest = '';
  let firstError: CompilerError | undefined;
  let moreErrors = 0;
  let bareError: string | undefined;
  let decoder = new TextDecoder();

  const read = (line: string): void => {
    const plain = stripVTControlCharacters(line).trimEnd();
    const error = errorInLine(plain);
    if (error !== undefined && firstError !== undefined) moreErrors += 1;
    firstError ??= error;
    bareError ??= bareErrorInLine(plain);
  };
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = decoder.decode(chunk, { stream: true });
      kept = (kept + text).slice(-keptCharacters);
      const lines = (rest + text).split(/\r?\n|\r/);
      rest = (lines.pop() ?? '').slice(-longestLine);
      for (const line of lines) read(line);
      if (shown === undefined) done();
      else if (shown.write(chunk)) done();
      else shown.once('drain', done);
    },
  });
  return {
    stream: Object.assign(stream, { isTTY: options.isTTY }),
    clear() {
      kept = '';
      rest = '';
      firstError = undefined;
      moreErrors = 0;
      bareError = undefined;
      decoder = new TextDecoder();
    },
    text: () => kept,
    get firstError() {
      if (firstError === undefined && rest !== '') read(rest);
      return firstError;
    },
    get moreErrors() {
      return moreErrors;
    },
    get bareError() {
      return bareError;
    },
  };
}
