/**
 * The loop of `otarc watch`: files, keys and devices tell the state machine (`watch.ts`) what happens, and what it says is
 * done here. Each deployment is a run like any other (`run.ts`), with one `run-started` and one `done`.
 */

import { cancelled, type OtaError } from '../model/errors.ts';
import { asOtaError, exitCodeFor } from '../model/failure.ts';
import { runContextOf } from '../deploy/deploy-project.ts';
import { run as runPlan, type RunResult } from '../deploy/run.ts';
import { isQueued, phaseOf, startState, step } from './machine.ts';
import { createBuildOutput } from './build-output.ts';
import { createContents } from './contents.ts';
import { createControls } from './controls.ts';
import { idleLimit } from './idle-limit.ts';
import { configurationChanged, keepProject, type Keeper, type KeeperOptions } from './keeper.ts';
import { createMissed } from './missed.ts';
import type { WatchProjectOptions } from './options.ts';
import { outcomesOf } from './outcomes.ts';
import { createOutsideImages } from './outside-images.ts';
import { filesIn } from './pending.ts';
import {
  fileSystemOf,
  leftAloneText,
  queuedText,
  productsText,
  remoteText,
  watchedText,
} from './problems.ts';
import { goneDataOf, openProject, rulesOf, type Project } from './project.ts';
import { createRunner } from './runner.ts';
import type { WatchCommand, WatchInput, Work } from './types.ts';
import { createVoice } from './voice.ts';
import { aborted } from './wait.ts';

/** Resolves to the exit status: when the signal is aborted, a person ends it, or `once` is fulfilled. */
export async function watchProject(options: WatchProjectOptions): Promise<number> {
  const { build, once, poll, sinceMs } = options;
  const context = runContextOf(options);
  const ending = new AbortController();
  const output = createBuildOutput({
    isTTY: context.output.isTTY === true,
    shown: options.showBuild ? context.output : undefined,
  });
  let exitCode: number | undefined;
  let chosen: readonly string[] | undefined;
  let isChoice = false;
  let state = startState;
  let running: Promise<void> = Promise.resolve();
  let wasLastOk = true;
  let isLast = false;
  let isGivenUp = false;
  let timer: NodeJS.Timeout | undefined;

  const contents = createContents();
  const { tell, inform, warn, onProblem } = createVoice(context.onEvent);
  const end = (code: number, reason?: OtaError): void => {
    exitCode ??= code;
    ending.abort(options.signal.aborted ? options.signal.reason : reason);
  };

  // ── the machine ──

  const dispatch = (input: WatchInput): void => {
    const { devices } = keeper.current;
    const rules = rulesOf(keeper.current, build);
    const next = step(state, input, { nowMs: performance.now(), rules });
    const isLeftAlone =
      input.type === 'changed' && input.kind === 'filesystem' && rules.filesystem === 'never';
    const isMore = isQueued(next.state) && !isQueued(state) && phaseOf(next.state) === 'deploying';
    if (isMore && !isLeftAlone) inform(queuedText);
    state = next.state;
    if (!ending.signal.aborted) next.commands.forEach(perform);
    options.onState?.({
      phase: phaseOf(state),
      isPaused: state.isPaused,
      isQueued: isQueued(state),
      devices: devices.map(({ name }) => name),
      builds: build,
      changed: filesIn(state.pending),
    });
  };
  const perform = (command: WatchCommand): void => {
    switch (command.type) {
      case 'run':
        absent.stop();
        outside.runBegins();
        isGivenUp = false;
        running = runner.run(command.work).then((result) => afterRun(command.work, result));
        return;
      case 'stop-builds':
        return runner.stopBuilds();
      case 'build-again':
        return runner.buildAgain(command.work);
      case 'leave-alone':
        return inform(leftAloneText(command.paths, goneDataOf(keeper.current)));
      case 'products-found':
        return warn(productsText(command.paths));
      case 'wake':
        clearTimeout(timer);
        timer = setTimeout(() => dispatch({ type: 'time' }), Math.ceil(command.atMs - performance.now()));
        return;
      case 'await-devices':
        return absent.listenFor(command.names, command.atOnce);
      default:
        command satisfies never;
    }
  };
  const want = (cause: Work['cause'], more: Partial<Work> = {}): void => {
    const { kind } = keeper.current;
    dispatch({ type: 'wanted', work: { kind, cause, paths: [], force: false, buildOnly: false, ...more } });
  };

  // ── runs ──

  const runner = createRunner({
    context,
    signal: ending.signal,
    project: () => keeper.settled(),
    builds: build,
    images: () => outside.current,
    output,
    tell,
    onBuildStarted: () => dispatch({ type: 'build-started' }),
    onBuildEnded(how) {
      dispatch({ type: 'build-ended', how });
      // Written again between its reading and this moment.
      if (outside.current?.isPending === true && phaseOf(state) === 'deploying') want('image');
    },
  });
  const afterRun = ({ kind }: Work, result: RunResult): void => {
    wasLastOk = result.ok;
    const { deployed, settled, missed, isFinal } = outcomesOf(result);
    if (deployed.length > 0) {
      const { images: planned } = keeper.current.planOf(kind);
      const secretVariables = planned.flatMap(({ request }) => request.secretVariables ?? []);
      options.onDeployed?.({ devices: deployed, secretVariables });
    }
    if ((once && isFinal) || isLast) end(result.exitCode);
    if (!ending.signal.aborted) absent.tell(missed);
    dispatch({ type: 'run-ended', isGivenUp, settled, missed });
    if (outside.wasMissed() && state.run === undefined) want('image');
  };
  const absent = createMissed({
    browse: options.browse,
    devices: () => keeper.current.devices,
    inform,
    onBack: () => dispatch({ type: 'device-seen' }),
  });

  // ── images that somebody else builds ──

  const outside = createOutsideImages({
    once,
    poll,
    phase: () => phaseOf(state),
    signal: ending.signal,
    want: () => want('image'),
    inform,
    onTouched: () => idle.end(),
    onProblem,
  });
  const idle = idleLimit(once && !build ? options.idleLimitMs : undefined, (error) => {
    void runPlan(() => Promise.reject(error), context).then((result) => end(result.exitCode));
  });

  // ── the project ──

  const onSource: KeeperOptions['onSource'] = (kind, path, writtenMs) => {
    if (kind === 'firmware' && keeper.current.kind === 'filesystem') return;
    const agoMs = Date.now() - writtenMs;
    // A clock that was set, or a file with a time from elsewhere, counts as written now.
    const writtenAtMs = performance.now() - (agoMs > 0 && agoMs < 5_000 ? agoMs : 0);
    // A generator of the build that writes what it wrote before; a person who does so wants a build.
    if (contents.isRewritten(path, phaseOf(state) === 'building')) return;
    dispatch({ type: 'changed', kind, paths: [path], writtenAtMs });
  };
  const onReloaded: KeeperOptions['onReloaded'] = async (before, paths, since) => {
    const project = keeper.current;
    const isOther = before.signature !== project.signature;
    if (isOther && state.run !== undefined && phaseOf(state) !== 'deploying') {
      isGivenUp = true;
      runner.giveUp(configurationChanged());
    }
    if (isOther && !build) await outside.open(project, since);
    const cause = isChoice && paths.length === 0 ? 'devices' : 'configuration';
    isChoice = false;
    if (isOther || !wasLastOk) return want(cause, { paths });
    if (paths.length === 0) return;
    dispatch({ type: 'changed', kind: project.kind, paths, writtenAtMs: performance.now() });
  };
  const open = (): Promise<Project> =>
    openProject({
      ...options,
      ...(chosen === undefined ? {} : { targets: chosen, all: false }),
      source: build ? 'build' : 'last-build',
      env: context.env,
      stdin: context.stdin,
      signal: ending.signal,
    });

  // ── from start to end ──

  const onAbort = (): void => end(exitCodeFor(cancelled(options.signal)));
  options.signal.addEventListener('abort', onAbort, { once: true });
  if (options.signal.aborted) onAbort();
  let keeper: Keeper;
  try {
    const { signal } = ending;
    keeper = await keepProject({
      open,
      signal,
      sources: build,
      poll,
      sinceMs,
      onSource,
      onReloaded,
      onDue: () => dispatch({ type: 'configuration-due' }),
      onRead: () => dispatch({ type: 'configuration-read' }),
      onProblem,
      warn,
      inform,
    });
    const { current, close } = keeper;
    if (!build)
      await outside.open(current, sinceMs).catch((error) => close().then(() => Promise.reject(error)));
  } catch (error) {
    options.signal.removeEventListener('abort', onAbort);
    idle.end();
    // Nothing can be watched: told as any other run that cannot begin.
    return (await runPlan(() => Promise.reject(asOtaError(error)), context)).exitCode;
  }
  const { projectDir } = keeper.current.config;
  const far = poll ? undefined : remoteText(projectDir, await fileSystemOf(projectDir));
  if (far !== undefined) warn(far);
  const controls = createControls({
    builds: build,
    phase: () => phaseOf(state),
    want,
    inform,
    end,
    endAfterPush: () => (isLast = true),
    setPaused: (isPaused) => dispatch({ type: isPaused ? 'paused' : 'resumed' }),
    devices: () => ({
      all: keeper.current.config.devices.map(({ name }) => name),
      chosen: keeper.current.devices.map(({ name }) => name),
    }),
    choose(names) {
      chosen = [...names];
      isChoice = true;
      keeper.reloadSoon();
    },
    lastOutput: () => output.text(),
  });
  options.onStart?.(controls);
  const { scope, kind: shownKind } = keeper.current;
  const roots = scope.roots.filter(
    (path) => shownKind === 'firmware' || scope.meaningOf(path, true) !== 'firmware',
  );
  const { places = [], isAny = false, isPending = false } = outside.current ?? {};
  inform(watchedText({ folder: projectDir, roots: build ? roots : [], images: places, once }));
  if (build || (isAny && !once)) want('start');
  else if (isPending) want('image');
  else dispatch({ type: 'time' });

  await aborted(ending.signal);
  options.signal.removeEventListener('abort', onAbort);
  clearTimeout(timer);
  idle.end();
  absent.stop();
  await running;
  await keeper.close();
  await outside.close();
  return exitCode ?? 0;
}
