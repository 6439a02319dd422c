/**
 * `otarc watch`: opens everything that a watch listens to and acts on, hands it to the driver, and closes it at the end.
 * `session.ts` decides what happens, `world.ts` carries it out. Each deployment is a run like any other (`run.ts`), with one
 * `run-started` and one `done`.
 */

import { cancelled, OtaError } from '../model/errors.ts';
import { asOtaError } from '../model/failure.ts';
import { runContextOf } from '../deploy/deploy-project.ts';
import { runPlan } from '../deploy/run.ts';
import { createBuildOutput } from './build-output.ts';
import { createContents } from './contents.ts';
import { createDriver, systemClock } from './driver.ts';
import { createOutsideImages } from './images.ts';
import { keepProject, type Keeper, type KeeperOptions } from './keeper.ts';
import { createWatchLog, fileSystemOf, remoteText, watchedText } from './log.ts';
import { phaseOf } from './machine.ts';
import { createMissed } from './missed.ts';
import type { Controls, WatchProjectOptions } from './options.ts';
import { openProject } from './project.ts';
import { createRunner } from './runner.ts';
import { startSession } from './session.ts';
import type { Phase } from './types.ts';
import { aborted, linkedController } from './wait.ts';
import { worldOf, type WatchParts, type WatchScene } from './world.ts';

/** Resolves to the exit status: when the signal is aborted, a person ends it, or `once` is fulfilled. */
export async function watchProject(options: WatchProjectOptions): Promise<number> {
  const { signal } = options;
  const context = runContextOf(options);
  const { controller: ending, release } = linkedController(signal);
  const { once, build, idleLimitMs } = options;
  const driver = createDriver(startSession({ once, idleLimitMs: once && !build ? idleLimitMs : undefined }));
  const log = createWatchLog(context.onEvent);
  const output = createBuildOutput({
    isTTY: context.output.isTTY === true,
    shown: options.showBuild ? context.output : undefined,
  });
  const phase = (): Phase => phaseOf(driver.session.machine);
  const scene: WatchScene = { options, context, driver, log, output, ending, phase };
  let parts: WatchParts;
  try {
    parts = await openParts(scene);
  } catch (error) {
    release();
    // Nothing can be watched: reported as any other run that cannot begin.
    return (await runPlan(() => Promise.reject(asOtaError(error)), context)).exitCode;
  }
  const { keeper, images, missed } = parts;
  const { projectDir } = keeper.current.config;
  const remote = options.poll ? undefined : remoteText(projectDir, await fileSystemOf(projectDir));
  if (remote !== undefined) log.warn(remote);
  options.onStart?.(controlsOf(scene, keeper));
  options.onProject?.(keeper.current);
  log.inform(watchedTextOf(scene, parts));

  const onAbort = (): void => driver.put({ type: 'interrupted', error: cancelled(signal) });
  signal.addEventListener('abort', onAbort, { once: true });
  const { isAny: isAnyImage = false, isPending: isImagePending = false } = images.current ?? {};
  driver.begin(
    worldOf(scene, parts),
    signal.aborted
      ? { type: 'interrupted', error: cancelled(signal) }
      : { type: 'started', isAnyImage, isImagePending },
  );
  await aborted(ending.signal);
  signal.removeEventListener('abort', onAbort);
  driver.close();
  missed.stop();
  await parts.running;
  await keeper.close();
  await images.close();
  release();
  return driver.session.exitCode ?? 0;
}

/** Throws what the project says when it is read for the first time; then nothing is left open. */
async function openParts(scene: WatchScene): Promise<WatchParts> {
  const { options, context, driver, log, output, ending, phase } = scene;
  const { build, poll, once, sinceMs } = options;
  const { signal } = ending;
  const { inform, warn, onProblem, tell } = log;
  const images = createOutsideImages({
    once,
    poll,
    phase,
    signal,
    inform,
    onProblem,
    onWritten: () => driver.put({ type: 'image-written' }),
  });
  const keeper: Keeper = await keepProject({
    open: () => {
      const { chosen } = driver.session;
      return openProject({
        ...options,
        ...(chosen === undefined ? {} : { targets: chosen, all: false }),
        source: build ? 'build' : 'last-build',
        env: context.env,
        stdin: context.stdin,
        signal,
      });
    },
    signal,
    sources: build,
    poll,
    sinceMs,
    onSource: sourceReader(scene, () => keeper.current.kind),
    async onReloaded(before, paths, since) {
      const isOther = before.signature !== keeper.current.signature;
      options.onProject?.(keeper.current);
      if (isOther) driver.put({ type: 'project-replaced' });
      if (isOther && !build) await images.open(keeper.current, since);
      driver.put({ type: 'project-read', isOther, paths });
    },
    onDue: () => driver.put({ type: 'configuration-due' }),
    onRead: () => driver.put({ type: 'configuration-read' }),
    onProblem,
    warn,
    inform,
  });
  try {
    if (!build) await images.open(keeper.current, sinceMs);
  } catch (error) {
    await keeper.close();
    throw error;
  }
  const runner = createRunner({
    context,
    signal,
    project: () => keeper.settled(),
    builds: build,
    images: () => images.current,
    output,
    tell,
    onBuildStarted: () => driver.put({ type: 'build-started' }),
    onBuildEnded: (how) =>
      driver.put({ type: 'build-ended', how, isImagePending: images.current?.isPending === true }),
  });
  const missed = createMissed({
    browse: options.browse,
    devices: () => keeper.current.devices,
    inform,
    onBack: () => driver.put({ type: 'device-seen' }),
  });
  return { keeper, images, runner, missed, running: Promise.resolve() };
}

/** A file that was written, as an input; unless a build only wrote what it had written before. */
function sourceReader({ driver, phase }: WatchScene, kindMeant: () => string): KeeperOptions['onSource'] {
  const contents = createContents();
  return (kind, path, writtenMs) => {
    if (kind === 'firmware' && kindMeant() === 'filesystem') return;
    const agoMs = Date.now() - writtenMs;
    // A clock that was set, or a file with a time from elsewhere, counts as written now.
    const writtenAtMs = systemClock.now() - (agoMs > 0 && agoMs < 5_000 ? agoMs : 0);
    // A generator of the build writes the same again; a person who does so wants a build.
    if (contents.isRewritten(path, phase() === 'building')) return;
    driver.put({ type: 'changed', kind, paths: [path], writtenAtMs });
  };
}

function controlsOf({ driver, output }: WatchScene, keeper: Keeper): Controls {
  return {
    redeploy: () => driver.put({ type: 'asked', force: true, buildOnly: false }),
    buildOnly: () => driver.put({ type: 'asked', force: false, buildOnly: true }),
    setPaused: (isPaused) => driver.put({ type: isPaused ? 'paused' : 'resumed' }),
    quit: () => driver.put({ type: 'quit' }),
    interrupt() {
      const details = { signal: 'SIGINT' };
      driver.put({
        type: 'interrupted',
        error: new OtaError('CANCELLED', 'Interrupted by SIGINT.', { details }),
      });
    },
    devices: () => ({
      all: keeper.current.config.devices.map(({ name }) => name),
      chosen: keeper.current.devices.map(({ name }) => name),
    }),
    choose: (names) => driver.put({ type: 'devices-chosen', names: [...names] }),
    lastOutput: () => output.text(),
  };
}

function watchedTextOf({ options }: WatchScene, { keeper, images }: WatchParts): string {
  const { scope, kind, config } = keeper.current;
  const roots = scope.roots.filter(
    (path) => kind === 'firmware' || scope.meaningOf(path, true) !== 'firmware',
  );
  return watchedText({
    folder: config.projectDir,
    roots: options.build ? roots : [],
    images: images.current?.places ?? [],
    once: options.once,
  });
}
