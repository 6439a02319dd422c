/** Chunks to lines. Pure. */

/** No command is longer. */
const longestLine = 8192;

export interface Lines {
  /** Whole ones; undefined for one that was too long. */
  readonly lines: readonly (string | undefined)[];
  /** What has no end yet; undefined: nothing that could become a command. */
  readonly rest: string | undefined;
}

/** What is complete with this chunk behind the rest of those before. */
export function splitLines(rest: string | undefined, chunk: string): Lines {
  const [first = '', ...others] = chunk.split('\n');
  const all = [rest === undefined ? undefined : limited(rest + first), ...others.map(limited)];
  return { lines: all.slice(0, -1), rest: all.at(-1) };
}

const limited = (line: string): string | undefined => (line.length > longestLine ? undefined : line);
