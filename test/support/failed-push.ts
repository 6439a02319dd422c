/** A push that fails, through all of otarc but its command line, and what a person reads of it. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { deployProject, type DeployProjectOptions } from '../../src/deploy/deploy-project.ts';
import type { DeployEvent } from '../../src/model/events.ts';
import { createWriter } from '../../src/cli/report/writer.ts';

export interface PushRequest extends Pick<
  DeployProjectOptions,
  'targets' | 'timeoutMs' | 'whenSeenMs' | 'flags' | 'allowed'
> {
  /** Made if need be. */
  readonly dir: string;
  /** `.otarc` */
  readonly config?: object;
  /** Other files of the folder. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: NodeJS.ProcessEnv;
}

export interface FailedPush {
  readonly code: string | undefined;
  readonly causes: readonly string[];
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** Errors and hints as they stand on stderr, with what differs from run to run in angle brackets. */
  readonly text: string;
  /** What else was told on the way. */
  readonly log: readonly string[];
}

/** `firmware.bin` of the folder is what is pushed. */
export async function failedPush(request: PushRequest): Promise<FailedPush> {
  const { dir, config, files = {}, env = {}, ...options } = request;
  await mkdir(dir, { recursive: true });
  if (config !== undefined) await writeFile(join(dir, '.otarc'), JSON.stringify(config));
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  const events: DeployEvent[] = [];
  await deployProject({
    ...options,
    cwd: dir,
    source: 'file',
    file: 'firmware.bin',
    env: { HOME: dir, USERPROFILE: dir, ...env },
    onEvent: (event) => void events.push(event),
  });
  const failure = events.find((event) => event.type === 'failed');
  const { code, hint = '', details = {} } = failure ?? {};
  const causes = Array.isArray(details['causes']) ? details['causes'].map(String) : [];
  const log = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
  const text = failure === undefined ? '' : withoutAccidents(readBy(failure), { dir, failure });
  return { code, causes, hint, details, text, log };
}

function readBy(event: DeployEvent): string {
  let text = '';
  const stderr = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  createWriter({ stdout: stderr, stderr, verbosity: 'normal', color: 'never', now: () => 0 }).tell(event);
  return text;
}

function withoutAccidents(
  text: string,
  { dir, failure }: { dir: string; failure: Extract<DeployEvent, { type: 'failed' }> },
): string {
  const { hostPort, port, pid } = failure.details;
  const accidents: readonly (readonly [unknown, string])[] = [
    [dir, '<dir>'],
    [hostPort, '<host port>'],
    [port, '<port>'],
    [pid, '<pid>'],
  ];
  return accidents
    .filter(([value]) => value !== undefined)
    .reduce((all, [value, name]) => all.replaceAll(String(value), name), text)
    .replaceAll(/(?<=:)\d{4,5}\b/g, '<port>')
    .replaceAll(/\d+ invitations in \d+ s/g, '<n> invitations in <n> s')
    .replaceAll(/\b[\d,]+ of [\d,]+ bytes/g, '<n> of <n> bytes')
    .replaceAll(/\d+ invitations until/g, '<n> invitations until')
    .replaceAll(/for \d+ s\b/g, 'for <n> s');
}
