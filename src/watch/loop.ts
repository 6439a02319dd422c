/**
 * The loop of `otarc watch`: files, keys and devices tell the state machine (`watch.ts`) what happens, and what it says is
 * done here. Each deployment is a run like any other (`run.ts`), with one `run-started` and one `done`.
 */

import type { ImagePlace } from '../build/image-place.ts';
import { cancelled, errorCodes, OtaError } from '../errors.ts';
import type { EventBody } from '../events.ts';
import { asOtaError, exitCodeFor } from '../failure.ts';
import { runContextOf } from '../library.ts';
import { run as runPlan, type RunResult } from '../run.ts';
import { isQueued, phaseOf, startState, step } from '../watch.ts';
import { createBuildOutput } from './build-output.ts';
import type { FileProblem } from './files.ts';
import { idleLimit } from './idle-limit.ts';
import { openImages, type Images } from './images.ts';
import { configurationChanged, keepProject, quitted, type Keeper, type KeeperOptions } from './keeper.ts';
import { sourceNewerThan } from './newest.ts';
import type { WatchProjectOptions } from './options.ts';
import { leftAloneText, missedText, problemText, remoteText, watchedText } from './problems.ts';
import { openProject, type Project } from './project.ts';
import { awaitReturn } from './return.ts';
import { createRunner } from './runner.ts';
import type { WatchCommand, WatchInput, Work } from './types.ts';
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
  let isQuitting = false;
  let images: Images | undefined;
  let timer: NodeJS.Timeout | undefined;
  let returning = new AbortController();

  const tell = (event: EventBody): void => context.onEvent({ ...event, at: new Date().toISOString() });
  const inform = (message: string): void => tell({ type: 'log', level: 'info', message });
  const warn = (message: string): void => tell({ type: 'log', level: 'warn', message });
  const warned = new Set<string>();
  const onProblem = (problem: FileProblem): void => {
    const text = problemText(problem);
    if (!warned.has(text)) warn(text);
    warned.add(text);
  };
  const end = (code: number, reason?: OtaError): void => {
    exitCode ??= code;
    ending.abort(options.signal.aborted ? options.signal.reason : reason);
  };

  // ── the machine ──

  const dispatch = (input: WatchInput): void => {
    const { kind, config, devices } = keeper.current;
    const rules = {
      filesystem: kind === 'filesystem' ? 'on-change' : config.push.filesystem,
      stopsBuilds: build,
    } as const;
    const next = step(state, input, { nowMs: performance.now(), rules });
    state = next.state;
    if (!ending.signal.aborted) next.commands.forEach(perform);
    options.onState?.({
      phase: phaseOf(state),
      isPaused: state.isPaused,
      isQueued: isQueued(state),
      devices: devices.map(({ name }) => name),
      changed: Object.values(state.pending).reduce((sum, { paths }) => sum + paths.length, 0),
    });
  };
  const perform = (command: WatchCommand): void => {
    switch (command.type) {
      case 'run':
        returning.abort();
        running = runner.run(command.work).then((result) => afterRun(command.work, result));
        return;
      case 'stop-builds':
        return runner.stopBuilds();
      case 'build-again':
        return runner.buildAgain(command.work);
      case 'leave-alone':
        return inform(leftAloneText(command.paths));
      case 'products-found':
        return warn(
          `Each build writes ${command.paths.join(', ')}: while one runs, that counts no more as a change. ` +
            '`watch: { ignore: […] }` in .otarc leaves it out for good.',
        );
      case 'wake':
        clearTimeout(timer);
        timer = setTimeout(() => dispatch({ type: 'time' }), Math.ceil(command.atMs - performance.now()));
        return;
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
    images: () => images,
    output,
    tell,
    onBuildStarted: () => dispatch({ type: 'build-started' }),
    onBuildEnded(how) {
      dispatch({ type: 'build-ended', how });
      // Written again between its reading and this moment.
      if (images?.isPending === true && phaseOf(state) === 'deploying') want('image');
    },
  });
  const afterRun = ({ kind, cause }: Work, result: RunResult): void => {
    wasLastOk = result.ok;
    const outcomes = [...result.outcomes];
    const deployed = outcomes.flatMap(([name, { type }]) => (type === 'deployed' ? [name] : []));
    if (deployed.length > 0) {
      const { images: planned } = keeper.current.planOf(kind);
      const secretVariables = planned.flatMap(({ request }) => request.secretVariables ?? []);
      options.onDeployed?.({ devices: deployed, secretVariables });
    }
    const missed = outcomes.flatMap(([name, outcome]) =>
      outcome.type === 'failed' && errorCodes[outcome.error.code].transient ? [name] : [],
    );
    const wasPushed = outcomes.some(
      ([, outcome]) => outcome.type !== 'failed' || ['locate', 'push', 'verify'].includes(outcome.stage),
    );
    if (once && wasPushed && !ending.signal.aborted) end(result.exitCode);
    if (isQuitting) end(result.exitCode);
    dispatch({ type: 'run-ended', kind, isOwed: missed.length > 0 });
    if (missed.length === 0 || state.run !== undefined || ending.signal.aborted) return;
    inform(missedText(missed, { isListening: options.browse !== undefined }));
    // A device that answers although it could not be reached is tried once more, and then when it was gone.
    waitForReturn(missed, cause !== 'device');
  };
  const waitForReturn = (names: readonly string[], atOnce: boolean): void => {
    const { browse } = options;
    if (browse === undefined || ending.signal.aborted) return;
    returning = new AbortController();
    const missed = keeper.current.devices.filter(({ name }) => names.includes(name));
    void awaitReturn(missed, { browse, signal: returning.signal, atOnce }).then((isBack) => {
      if (isBack) dispatch({ type: 'device-seen' });
    });
  };

  // ── images that somebody else builds ──

  const openAllImages = async (project: Project, since: number): Promise<void> => {
    await images?.close();
    images = undefined;
    images = await openImages(project, {
      onlyNew: once,
      poll,
      sinceMs: since,
      isPushing: () => phaseOf(state) === 'deploying',
      onTouched() {
        idle.end();
        // The run that waits for it sees it by itself.
        if (images !== undefined && phaseOf(state) !== 'building') want('image');
      },
      onUntouchedBuild: once ? (place) => void afterUntouchedBuild(place) : undefined,
      onProblem,
    });
  };
  /** A build that had nothing to do has completed the image that is there; one that failed has not. */
  const afterUntouchedBuild = async (place: ImagePlace): Promise<void> => {
    const newer = await sourceNewerThan(await place.find(), keeper.current.scope);
    if (ending.signal.aborted || phaseOf(state) !== 'watching') return;
    if (newer === undefined) return want('image');
    inform(`A build has ended, but its image is older than ${newer}: waiting on.`);
  };
  const idle = idleLimit(once && !build ? options.idleLimitMs : undefined, (error) => {
    void runPlan(() => Promise.reject(error), context).then((result) => end(result.exitCode));
  });

  // ── the project ──

  const onSource: KeeperOptions['onSource'] = (kind, path, writtenMs) => {
    if (kind === 'firmware' && keeper.current.kind === 'filesystem') return;
    const agoMs = Date.now() - writtenMs;
    // A clock that was set, or a file with a time from elsewhere, counts as written now.
    const writtenAtMs = performance.now() - (agoMs > 0 && agoMs < 5_000 ? agoMs : 0);
    dispatch({ type: 'changed', kind, paths: [path], writtenAtMs });
  };
  const onReloaded: KeeperOptions['onReloaded'] = async (before, paths, since) => {
    const project = keeper.current;
    const isOther = before.signature !== project.signature;
    if (isOther && phaseOf(state) === 'building') runner.giveUp(configurationChanged());
    if (isOther && !build) await openAllImages(project, since);
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
      onProblem,
      warn,
      inform,
    });
  } catch (error) {
    options.signal.removeEventListener('abort', onAbort);
    idle.end();
    // Nothing can be watched: told as any other run that cannot begin.
    return (await runPlan(() => Promise.reject(asOtaError(error)), context)).exitCode;
  }
  const far = poll ? undefined : await remoteText(keeper.current.config.projectDir);
  if (far !== undefined) warn(far);
  if (!build) await openAllImages(keeper.current, sinceMs);
  options.onStart?.({
    redeploy: () => want('asked', { force: true }),
    buildOnly: () =>
      build ? want('asked', { buildOnly: true }) : inform('With `--no-build`, somebody else builds.'),
    setPaused: (isPaused) => dispatch({ type: isPaused ? 'paused' : 'resumed' }),
    quit() {
      const isPushing = phaseOf(state) === 'deploying';
      if (!isPushing) return end(0, quitted());
      if (isQuitting) return end(exitCodeFor(quitted()), quitted());
      isQuitting = true;
      inform('This push is finished first; `q` once more breaks it off.');
    },
    interrupt() {
      const signal = 'SIGINT';
      const error = new OtaError('CANCELLED', `Interrupted by ${signal}.`, { details: { signal } });
      end(exitCodeFor(error), error);
    },
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
  const { config, scope } = keeper.current;
  const roots = build ? scope.roots : [];
  inform(watchedText({ folder: config.projectDir, roots, images: images?.places ?? [], once }));
  if (build || (images?.isAny === true && !once)) want('start');
  else if (images?.isPending === true) want('image');
  else dispatch({ type: 'time' });

  await aborted(ending.signal);
  options.signal.removeEventListener('abort', onAbort);
  clearTimeout(timer);
  idle.end();
  returning.abort();
  await running;
  await keeper.close();
  await images?.close();
  return exitCode ?? 0;
}
