import { stat } from 'node:fs/promises';
import { redactedWords } from '../model/redaction.ts';
import { findImage } from './artifact.ts';
import { ownCommand, type BuildPlan } from './plan.ts';
import type { BuildContext, BuildRequest } from './types.ts';

interface Stamp {
  readonly path: string;
  readonly modified: Date;
  /** Differs after every writing, renaming or touching of the file: unlike its modification time, nobody can set it. */
  readonly mark: string;
}

/**
 * The image that lies there before a command of the user's is run. None for the tools that otarc knows: they
 * say themselves that nothing has changed, and are right.
 */
export async function imageBefore(plan: BuildPlan, request: BuildRequest): Promise<Stamp | undefined> {
  if (ownCommand(request.command) === undefined) return undefined;
  const image = await findImage(plan);
  return image === undefined ? undefined : stampOf(image.path);
}

/** Says so where the command has left the image as it was: up to date perhaps, perhaps written elsewhere. */
export async function warnIfUntouched(
  before: Stamp,
  run: { readonly path: string; readonly command: readonly string[] },
  { tell }: Pick<BuildContext, 'tell'>,
): Promise<void> {
  const { path, command } = run;
  if (path !== before.path || (await stampOf(path))?.mark !== before.mark) return;
  const time = before.modified.toLocaleString('sv-SE'); // 2026-07-31 14:05:09, in local time
  const message = `\`${redactedWords(command).join(' ')}\` ended without writing ${path}; the image of ${time} is used.`;
  tell({ type: 'log', level: 'warn', message });
}

async function stampOf(path: string): Promise<Stamp | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return undefined;
  const { dev, ino, ctimeNs, mtime } = found;
  return { path, modified: mtime, mark: [dev, ino, ctimeNs].join(' ') };
}
