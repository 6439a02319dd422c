/** `otarc devices --outdated`: the configured devices that do not run what the last build left, by their own word. */

import { planProject } from '../../deploy/deploy-project.ts';
import { compareWithBuilds, readLastBuilds, type Compared, type LastBuilds } from '../../deploy/outdated.ts';
import type { Plan } from '../../deploy/plan.ts';
import { cancelled, OtaError } from '../../model/errors.ts';
import { exitCodeFor } from '../../model/failure.ts';
import { followDevices, type List } from '../../network/list/follow.ts';
import { jsonText, printLine } from '../terminal/print.ts';
import { outdatedDocument } from './devices-json.ts';
import { outdatedTable, outdatedSummary } from './devices-outdated-text.ts';
import {
  listenMs,
  openScene,
  openView,
  readFrom,
  type DevicesOptions,
  type Reading,
  type Table,
} from './devices-view.ts';
import type { Io } from './io.ts';

const nothingHeard: List = { entries: [], warnings: [], problems: [], canAsk: true };

/**
 * Resolves to 0 where each says that it runs the last build, to 1 where one does not, as `npm outdated` does.
 *
 * @throws OtaError where no device is configured, or there is no image to compare with
 */
export async function outdatedCommand(options: DevicesOptions, io: Io): Promise<number> {
  const planning = plan(options, io);
  const reading = planning.then(({ reading: read }) => read);
  const scene = await openScene(options, io, reading);
  const over = new AbortController();
  const signal = AbortSignal.any([io.signal, over.signal]);
  const timeoutMs = options.timeoutMs ?? listenMs;
  let builds: LastBuilds | undefined;
  let last: List | undefined;
  const compared = ({ entries }: List): Compared[] => compareWithBuilds(entries, builds);
  const tableOf: Table = (list, cells) => outdatedTable(compared(list), cells);
  const view = openView(scene, { footer: `listening for ${timeoutMs / 1000} s`, tableOf });
  const comparing = planning.then(async (planned) => {
    const { env, stderr: output } = io;
    builds = await readLastBuilds(planned.plan, { env, output, signal });
    if (last !== undefined) view.draw(last);
  });
  // Without an image there is nothing to listen for.
  comparing.catch(() => over.abort());
  await followDevices({
    ...scene,
    signal,
    forMs: timeoutMs,
    onChange: (now) => {
      last = now;
      view.draw(now);
    },
  });
  if (io.signal.aborted) return exitCodeFor(cancelled(io.signal));
  await comparing.catch((error: unknown) => {
    view.close();
    throw error;
  });
  const list = last ?? nothingHeard;
  const all = compared(list);
  const exitCode = all.every(({ standing }) => standing === 'current') ? 0 : 1;
  if (options.json) {
    const document = { ok: exitCode === 0, exitCode, ...outdatedDocument(all, list) };
    io.stdout.write(`${jsonText(document, { indent: 2 })}\n`);
    return exitCode;
  }
  view.finish(list);
  printLine(io.stderr, outdatedSummary(all));
  return exitCode;
}

interface Planned {
  readonly plan: Plan;
  readonly reading: Reading;
}

async function plan({ flags }: DevicesOptions, { env, stdin, signal }: Io): Promise<Planned> {
  // The question goes out first.
  await new Promise((resolve) => setImmediate(resolve));
  const {
    config,
    plan: planned,
    warnings,
  } = await planProject({
    // A device says nothing of its file system.
    flags: { ...flags, filesystem: false },
    all: true,
    source: 'last-build',
    env,
    stdin,
    signal,
  }).catch((error: unknown) => {
    if (!(error instanceof OtaError) || error.code !== 'NO_TARGET') throw error;
    throw new OtaError(
      'NO_TARGET',
      'No devices are configured: there is nothing to compare the last build with.',
      {
        hint: 'List them under `devices:` in .otarc.',
        cause: error,
      },
    );
  });
  return { plan: planned, reading: { ...readFrom(config), warnings } };
}
