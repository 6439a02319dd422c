/** `otarc discovery` as arduino-cli runs it: commands go in, documents come out. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { Message } from '../../src/network/arduino/protocol.ts';
import { packed } from './packed.ts';

export interface Discovery {
  /** All that it has said so far; throws where that is not whole JSON documents. */
  said(): Message[];
  stderr(): string;
  send(line: string): void;
  /** Resolves to the first thing said, from now on or before, that is so. */
  until(isSo: (message: Message) => boolean): Promise<Message>;
  closeInput(): void;
  stopReading(): void;
  kill(signal: NodeJS.Signals): void;
  /** Its exit status. */
  readonly ended: Promise<number | null>;
}

/** It asks on loopback alone, unless `args` say something else. */
export async function startDiscovery(
  cwd: string,
  args: readonly string[] = ['--interface', '127.0.0.1'],
): Promise<Discovery> {
  const { bin } = await packed();
  const child = spawn(bin, ['discovery', ...args], {
    cwd,
    env: { HOME: cwd, PATH: process.env['PATH'] },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const said = () => documentsIn(stdout);
  return {
    said,
    stderr: () => stderr,
    send: (line) => void child.stdin.write(`${line}\n`),
    until: (isSo) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = said().find(isSo);
          if (found !== undefined) resolve(found);
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`It ended. stdout: ${stdout} stderr: ${stderr}`)));
        look();
      }),
    closeInput: () => void child.stdin.end(),
    stopReading: () => void child.stdout.destroy(),
    kill: (signal) => void child.kill(signal),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** What is whole by now of JSON documents, each of which ends with a line that is a brace alone. */
export function documentsIn(text: string): Message[] {
  return text
    .split(/(?<=^\}\n)/m)
    .filter((each) => each.endsWith('}\n'))
    .map((each) => JSON.parse(each) as Message);
}
