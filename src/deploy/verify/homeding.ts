/**
 * HomeDing's `/api/sysinfo`, which every HomeDing device has. `upTime` (seconds) proves a restart. `build` is the date, without a
 * time, at which its library was compiled (`__DATE__`): the same date says nothing, another one says that another build of the
 * library runs. Neither names the sketch, so it is never more than a return.
 */

import { isIPv6 } from 'node:net';
import { withoutZone } from '../../model/address.ts';
import type { Verification } from '../../model/verification.ts';
import { askOverHttp } from './ask-http.ts';
import { excerpt } from './expectation.ts';
import type { LookingProof } from './http.ts';
import { repeat } from './repeat.ts';

interface SystemInfo {
  readonly upTime?: number;
  readonly build?: string;
}

const pauseMs = 500;

/** @param port of its web server, which listens on 80 unless a sketch says otherwise */
export function homedingProof(port = 80): LookingProof {
  let before: SystemInfo | undefined;
  return {
    name: 'return',
    offered: () => true,
    look({ target }, signal) {
      void systemInfo(target.address, port, signal).then((info) => {
        if (!signal.aborted) before = info;
      });
    },
    async wait({ acceptedAtMs, timeoutMs, address, isBack }, signal): Promise<Verification> {
      const known = before;
      let last: SystemInfo | undefined;
      const returned = await repeat<SystemInfo>({
        endsAtMs: acceptedAtMs + timeoutMs,
        signal,
        async attempt(either) {
          last = await systemInfo(address(), port, either);
          const isNew = isRestarted(last, { before: known, afterMs: performance.now() - acceptedAtMs });
          return last !== undefined && isNew ? { done: last } : { pauseMs };
        },
      });
      const sinceMs = performance.now() - acceptedAtMs;
      if (returned !== undefined)
        return { type: 'returned', afterMs: sinceMs, reason: buildWords(returned, known) };
      if (last === undefined && known !== undefined && isBack?.() !== true)
        return { type: 'gone', waitedMs: sinceMs };
      const reason =
        last === undefined
          ? 'its /api/sysinfo does not answer'
          : 'the uptime in its /api/sysinfo shows no restart';
      return { type: 'unproven', method: 'return', reason, waitedMs: sinceMs };
    },
  };
}

/** Undefined: no answer, or none of HomeDing. */
async function systemInfo(
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<SystemInfo | undefined> {
  const host = isIPv6(address) ? `[${withoutZone(address)}]` : address;
  const answer = await askOverHttp(new URL(`http://${host}:${port}/api/sysinfo`), { signal, address });
  if (answer.type !== 'answered' || answer.status !== 200) return undefined;
  return parseSystemInfo(answer.text);
}

/** HomeDing writes numbers as text or as numbers, by version. */
export function parseSystemInfo(text: string): SystemInfo | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = new Map(Object.entries(value).map(([key, each]) => [key.toLowerCase(), each as unknown]));
  const upTime = Number(entries.get('uptime') ?? Number.NaN);
  const build = entries.get('build');
  return {
    ...(Number.isFinite(upTime) && upTime >= 0 && { upTime }),
    ...(typeof build === 'string' && { build }),
  };
}

/** @param push.afterMs since the image was accepted: what is up for a shorter time has started since */
export function isRestarted(
  info: SystemInfo | undefined,
  { before, afterMs }: { readonly before: SystemInfo | undefined; readonly afterMs: number },
): boolean {
  if (info?.upTime === undefined) return false;
  return info.upTime * 1000 < afterMs || (before?.upTime !== undefined && info.upTime < before.upTime);
}

function buildWords({ build }: SystemInfo, before: SystemInfo | undefined): string {
  const uptime = 'its uptime began anew';
  if (build === undefined || before?.build === undefined || build === before.build) return uptime;
  return `${uptime}, and its HomeDing library was compiled on ${excerpt(build)}, before on ${excerpt(before.build)}`;
}
