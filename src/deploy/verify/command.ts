/**
 * `verify.command`: the user's own program says whether the new sketch runs, with exit status 0.
 *
 * It runs first when the device is back, or, where its return cannot be seen, some seconds after the push, and again each
 * second until it says so. A run that hangs is ended at the limit with all that it has started.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { lastLines, OutputEnd } from '../../builders/output-end.ts';
import { runProcess, type ProcessEnd } from '../../builders/process.ts';
import { childEnvironment } from '../../model/child-environment.ts';
import { messageOf } from '../../model/errors.ts';
import { printable } from '../../model/printable.ts';
import { redactedWords } from '../../model/redaction.ts';
import type { Verification } from '../../model/verification.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { Proof, ProofContext } from './proof.ts';
import { repeat } from './repeat.ts';

export interface CommandProofOptions {
  /** Absolute folder that it runs in. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Variables that hold passwords: it does not get them. */
  readonly secretVariables: readonly string[];
  /** Resolves when the device has started anew; with `false` where that cannot be seen; never rejects but by abort. */
  readonly returned?: (signal: AbortSignal) => Promise<unknown>;
}

const longestStartMs = 5_000;
const pauseMs = 1_000;

/** `/home/me/p/check.sh` is `check.sh` to its user. */
export function commandProof(command: readonly string[], options: CommandProofOptions): Proof {
  const { cwd, env, secretVariables, returned } = options;
  const [file = '', ...args] = command;
  const shown = `\`${printable(redactedWords(command).join(' '), { longest: 60 })}\``;
  return {
    name: 'command',
    offered: () => true,
    async wait(context, signal): Promise<Verification> {
      const { acceptedAtMs, timeoutMs } = context;
      const afterMs = (): number => performance.now() - acceptedAtMs;
      let isFirst = true;
      let reason = `${shown} has not ended`;
      const isProven = await repeat<boolean>({
        endsAtMs: acceptedAtMs + timeoutMs,
        signal,
        async attempt(either) {
          if (isFirst) await start(returned, either);
          isFirst = false;
          // What has shown its return may have proven all: nothing is started then.
          await nextTurn(undefined, { signal: either });
          const output = new OutputEnd();
          const end = await runProcess(
            { file, args, cwd },
            {
              env: {
                ...childEnvironment(env, { secretVariables, texts: command }),
                ...environmentOf(context),
              },
              signal: either,
              read: (...pipes) =>
                pipes.forEach((pipe) => pipe.on('data', (chunk: Uint8Array) => output.add(chunk))),
            },
          );
          if (end.type === 'ended' && end.exitCode === 0) return { done: true };
          reason = reasonOf(end, shown, output);
          context.log('debug', reason);
          return end.type === 'not-started' ? { done: false } : { pauseMs };
        },
      });
      if (isProven === true)
        return { type: 'verified', method: 'command', proof: `passes ${shown}`, afterMs: afterMs() };
      return { type: 'unproven', method: 'command', reason, waitedMs: afterMs() };
    },
  };
}

/** A program that only looks whether the device answers would be content with the old sketch. */
async function start(returned: CommandProofOptions['returned'], signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  const longest = sleep(longestStartMs, undefined, { signal: either }).catch(() => {});
  const back = returned?.(either).then(
    (isSeen) => (isSeen === false ? longest : undefined),
    () => longest,
  );
  await Promise.race([longest, back ?? longest]);
  done.abort();
}

/** What it gets to know. Never a password. */
function environmentOf({ device, target, image, address }: ProofContext): Record<string, string> {
  return withoutUndefined({
    OTARC_DEVICE: device.name,
    OTARC_ADDRESS: address(),
    OTARC_PORT: String(target.port),
    OTARC_IMAGE: image.path,
    OTARC_KIND: image.kind,
    OTARC_MD5: image.md5,
    OTARC_VERSION: image.version,
    OTARC_IDENTITY: image.identity,
  });
}

function reasonOf(end: ProcessEnd, shown: string, output: OutputEnd): string {
  if (end.type === 'not-started')
    return `${shown} cannot be run: ${printable(messageOf(end.cause), { longest: 200 })}`;
  const [line] = lastLines(output.text(), 1);
  const said = line === undefined ? '' : `: ${printable(line.trim(), { longest: 200 })}`;
  return `${shown} ended with exit status ${end.exitCode}${said}`;
}
