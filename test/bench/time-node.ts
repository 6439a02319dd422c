import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

/** Milliseconds from the start of a node to its end. */
export async function timeNode(
  args: readonly string[],
  cwd: string,
  more: NodeJS.ProcessEnv = {},
): Promise<number> {
  const startedAtMs = performance.now();
  const env = { PATH: process.env['PATH'], HOME: cwd, ...more };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  const [code] = await once(child, 'exit');
  const tookMs = performance.now() - startedAtMs;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}: ${errors}`);
  return tookMs;
}
