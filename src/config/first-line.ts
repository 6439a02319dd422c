const longestCharacters = 64 * 1024;
const read = new WeakMap<NodeJS.ReadableStream, Promise<string>>();

/** The first line of a stream, without waiting for its end; the same line however often it is asked for. */
export function firstLineOf(stream: NodeJS.ReadableStream): Promise<string> {
  const known = read.get(stream);
  if (known) return known;
  const line = readLine(stream);
  read.set(stream, line);
  return line;
}

function readLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const end = (): void => {
      stream.off('data', more).off('end', end).off('error', end).off('close', end);
      stream.pause();
      // A pipe that its writer leaves open must not keep the process alive.
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
      resolve(text);
    };
    const more = (chunk: string | Buffer): void => {
      text += String(chunk);
      if (text.includes('\n') || text.length > longestCharacters) end();
    };
    stream.setEncoding('utf8');
    stream.on('data', more).on('end', end).on('error', end).on('close', end);
  });
}
