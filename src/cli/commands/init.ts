/** `otarc init`: writes `.otarc` and the hooks for the tool that it finds, and takes them out again. */

import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { isColored, type ColorChoice } from '../terminal/color.ts';
import { canRedraw } from '../terminal/screen.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { OtaError } from '../../model/errors.ts';
import { planToAdd, refuseConflicts, type AddRequest, type Planned } from '../../init/add.ts';
import type { Terminal } from '../../init/dialogue.ts';
import { findFolder } from '../../init/look.ts';
import { diffOf, shownPath } from '../../init/show.ts';
import type { FileEdit } from '../../init/types.ts';
import { removeLeftovers } from '../../init/temporary.ts';
import { ownFiles } from '../../init/hooks.ts';
import { writeEdits } from '../../init/write.ts';
import type { Io } from './io.ts';

export interface InitOptions {
  /** Absolute. */
  readonly cwd: string;
  /** For mDNS; undefined: those of the configuration. */
  readonly interfaces?: readonly string[] | undefined;
  /** `NAME`, `ADDRESS[:PORT]` or `NAME=ADDRESS[:PORT]`; empty: what is found. */
  readonly devices: readonly string[];
  /** Empty: those that fit the folder. */
  readonly hooks: readonly string[];
  readonly environment?: string | undefined;
  readonly fqbn?: string | undefined;
  /** As typed; `-` is stdin. */
  readonly passwordFile?: string | undefined;
  readonly yes: boolean;
  readonly force: boolean;
  readonly remove: boolean;
  readonly dryRun: boolean;
  /** Listen for devices that announce themselves. */
  readonly scan: boolean;
  readonly json: boolean;
  readonly color: ColorChoice;
}

type Browse = AddRequest['browse'];

/** @param browse in place of the network */
export async function initCommand(options: InitOptions, io: Io, browse?: Browse): Promise<number> {
  const terminal = terminalOf(options, io);
  refuseNonsense(options, terminal);
  const folder = await findFolder(options.cwd);
  const { plan, next } = await planFor(folder, { options, io, terminal, browse });
  refuseConflicts(plan);
  const report: Report = { plan, next, folder };
  if (options.json) {
    if (!options.dryRun) await writeAll(report, io);
    io.stdout.write(asJson(report, options));
    return 0;
  }
  for (const note of plan.notes) printLine(io.stderr, note);
  for (const { file, text } of plan.proposals) {
    printLine(io.stderr, `${shownPath(file, folder)} is yours and stays as it is. To be added:`);
    printLine(io.stdout, text);
  }
  io.stdout.write(diffOf(plan.edits, { folder, isColored: isColored(options.color, io.stdout) }));
  if (plan.edits.length === 0) {
    if (!options.dryRun) await writeAll(report, io);
    io.stdout.write('nothing to do\n');
  } else if (options.dryRun) io.stderr.write('Nothing was written: --dry-run.\n');
  else if (!(await isConfirmed(plan.edits, { options, terminal }))) {
    io.stderr.write('Nothing was written.\n');
    return 0;
  } else {
    await writeAll(report, io);
    const deeds = plan.edits.map((edit) => `\n${deedOf(edit)} ${shownPath(edit.path, folder)}`);
    printLine(io.stdout, deeds.join(''));
  }
  if (!options.remove && next.length > 0) {
    printLine(io.stderr, `\nNext:${next.map((step) => `\n  ${step}`).join('')}`);
  }
  return 0;
}

/** What a killed run has left goes, also where there is nothing to write. */
async function writeAll({ plan, folder }: Report, io: Io): Promise<void> {
  await removeLeftovers([folder, ...ownFiles.map(({ path }) => join(folder, dirname(path)))]);
  await writeEdits(plan.edits, io);
}

interface Invocation {
  readonly options: InitOptions;
  readonly io: Io;
  readonly terminal: Terminal | undefined;
}

async function planFor(
  folder: string,
  { options, io, terminal, browse }: Invocation & { browse: Browse },
): Promise<Planned> {
  const { env, signal } = io;
  if (options.remove) {
    const { planToRemove } = await import('../../init/remove.ts');
    return { plan: await planToRemove({ folder, force: options.force, env, signal }), next: [] };
  }
  return planToAdd({
    folder,
    wishes: options,
    passwordFile: options.passwordFile,
    cwd: options.cwd,
    interfaces: options.interfaces,
    env,
    signal,
    get stdin() {
      return io.stdin;
    },
    browse: options.scan ? (browse ?? (await import('../../network/browse.ts')).browse) : undefined,
    ask:
      terminal === undefined
        ? undefined
        : async (seen, password) => {
            const { askChoices } = await import('../../init/dialogue.ts');
            return askChoices(options, seen, { password, terminal });
          },
    onWait: (message) => options.json || printLine(io.stderr, message),
  });
}

async function isConfirmed(
  edits: readonly FileEdit[],
  { options, terminal }: Omit<Invocation, 'io'>,
): Promise<boolean> {
  if (options.yes || terminal === undefined) return true;
  const { askConfirmation } = await import('../../init/dialogue.ts');
  const files = edits.length === 1 ? 'this file' : `these ${edits.length} files`;
  return askConfirmation(options.remove ? `Change ${files} back?` : `Write ${files}?`, terminal);
}

function refuseNonsense(options: InitOptions, terminal: Terminal | undefined): void {
  const { remove, devices, hooks, passwordFile, fqbn, environment } = options;
  const isMore = [...devices, ...hooks, passwordFile, fqbn, environment].some((each) => each !== undefined);
  if (remove && isMore) {
    throw new OtaError(
      'USAGE',
      '`--remove` takes out everything that init has written: it goes with no device or hook.',
      {
        hint: 'Give it alone, or with --yes, --force or --dry-run.',
      },
    );
  }
  if (terminal !== undefined || options.yes || options.dryRun) return;
  throw new OtaError('USAGE', 'There is no terminal to ask on.', {
    hint: 'Give --yes to take the defaults, or --dry-run to see what they come to.',
  });
}

/** Where questions may be asked: on stderr, so that stdout has results alone. */
function terminalOf({ yes, json, passwordFile }: InitOptions, io: Io): Terminal | undefined {
  if (yes || json || passwordFile === '-' || !canRedraw(io.stderr, io.env)) return undefined;
  const { stdin: input, stderr: output, signal } = io;
  if (input.isTTY !== true || !(input instanceof Readable) || !(output instanceof Writable)) return undefined;
  return { input, output, signal };
}

interface Report extends Planned {
  readonly folder: string;
}

function asJson({ plan, next, folder }: Report, { dryRun }: InitOptions): string {
  const { edits, notes, proposals } = plan;
  const files = edits.map((edit) => ({ path: edit.path, action: deedOf(edit) }));
  return `${jsonText({ folder, dryRun, files, notes, proposals, next }, { indent: 2 })}\n`;
}

function deedOf({ before, after }: FileEdit): 'made' | 'changed' | 'deleted' {
  if (before === undefined) return 'made';
  return after === undefined ? 'deleted' : 'changed';
}
