/** Events as sentences for a person. Pure: the same for a terminal and a pipe; colours and redrawing are the writer's. */

import type { DeployEvent } from '../../model/events.ts';
import { widthOf } from '../terminal/width.ts';
import { endpointText } from '../../model/endpoint.ts';
import { isCountedTooLow } from '../../model/counted.ts';
import { thousands } from '../../model/numbers.ts';
import { printable } from '../../model/printable.ts';
import type { Chip, ImageKind, Platform } from '../../model/types.ts';

export interface ReportLine {
  /** `result` and `failure` are how a run ended, and go to stdout; the others to stderr. */
  readonly type: 'result' | 'failure' | 'message' | 'detail' | 'warning' | 'error' | 'hint';
  readonly text: string;
}

/**
 * What an event says, in lines; empty for those that only a progress bar or a script cares about.
 *
 * @param verified devices of this run that were shown to run what was pushed: of the others its end says no more than that
 */
export function eventLines(
  event: DeployEvent,
  verified: ReadonlySet<string> = new Set(),
): readonly ReportLine[] {
  const who = event.device === undefined ? '' : `${event.device}: `;
  switch (event.type) {
    case 'run-started':
    case 'rebooting':
    case 'progress':
      return [];
    case 'change-detected':
      return event.reason === 'start' ? [] : [message(changeText(event))];
    case 'build-started':
      return [
        message(
          `building${event.environment === undefined ? '' : ` ${event.environment}`}: ${event.command.join(' ')}`,
        ),
      ];
    case 'build-finished':
      return event.exitCode === 0 ? [message(`built in ${seconds(event.durationMs)}`)] : [];
    case 'image-ready':
      return [
        message(`image ${event.path}: ${describe(event)}, ${thousands(event.sizeBytes)} bytes`),
        detail(`MD5 ${event.md5}${event.identity === undefined ? '' : `, identity ${event.identity}`}`),
      ];
    case 'device-located': {
      const via = { config: 'as configured', mdns: 'over mDNS', os: 'by the system’s resolver' }[event.via];
      const line = `${who}at ${endpointText(event)} (${via})`;
      return [event.via === 'config' ? detail(line) : message(line)];
    }
    case 'invited': {
      const line = `${who}invited (try ${event.attempt}), to connect to ${endpointText({ address: event.hostAddress, port: event.hostPort })}`;
      return [event.attempt === 2 ? message(`${who}no answer yet, asking again`) : detail(line)];
    }
    case 'authenticated':
      return [
        detail(
          `${who}${event.scheme === 'none' ? 'asks for no password' : `password accepted (${event.scheme})`}`,
        ),
      ];
    case 'connected':
      return [detail(`${who}connected from ${event.address}`)];
    case 'accepted':
      return [
        message(
          `${who}accepted ${thousands(event.sizeBytes)} bytes in ${seconds(event.durationMs)} ` +
            `(${rate((event.sentBytes * 1000) / Math.max(1, event.durationMs))}); it restarts now`,
        ),
        // Counts that are far too low have their own warning.
        ...(event.countedBytes === event.sentBytes || isCountedTooLow(event)
          ? []
          : [
              detail(
                `${who}its counts add up to ${thousands(event.countedBytes)} of ${thousands(event.sentBytes)} bytes`,
              ),
            ]),
      ];
    case 'verified':
      return [
        message(
          `${event.device ?? 'the device'} runs ${event.isRollback === true ? 'the sketch from before' : 'the new sketch'} (it ${event.proof})`,
        ),
      ];
    case 'unverified':
      return [event.method === 'none' ? detail(unverifiedText(event)) : message(unverifiedText(event))];
    case 'retrying':
      return [message(`${who}${event.code}, trying again in ${seconds(event.inMs)}`)];
    case 'skipped':
      return [message(`${who}skipped: ${event.reason}`)];
    case 'failed':
      return [
        { type: 'error', text: `${event.code}: ${failureText(event)}` },
        { type: 'hint', text: event.hint },
      ];
    case 'done':
      return [summary(event, verified)].filter((line) => line !== undefined);
    case 'log':
      return [
        {
          type: ({ debug: 'detail', info: 'message', warn: 'warning' } as const)[event.level],
          text: who + event.message,
        },
      ];
    default:
      return event satisfies never;
  }
}

/** Never more than is known: that the device took the image. */
function unverifiedText(event: Extract<DeployEvent, { type: 'unverified' }>): string {
  const took = `${event.device ?? 'the device'} took the image`;
  return event.method === 'none' || event.method === 'auto'
    ? `${took}; whether it runs was not checked (${event.reason})`
    : `${took}: ${event.reason}`;
}

/** `changed: src/main.cpp, data/index.htm and 3 more` */
function changeText({ reason, paths }: Extract<DeployEvent, { type: 'change-detected' }>): string {
  const short = paths.slice(0, 3).map((path) => path.split(/[\\/]/).slice(-2).join('/'));
  const more = paths.length > short.length ? ` and ${paths.length - short.length} more` : '';
  return paths.length === 0 ? reason : `${reason}: ${short.join(', ')}${more}`;
}

interface Progress {
  readonly device?: string | undefined;
  readonly acknowledgedBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
}

/** `62 %, 193 of 312 KiB, 71 KiB/s, 2 s left` */
export function progressText(progress: Progress): string {
  const { percent, amount, speed, left } = progressParts(progress);
  return percent + amount + speed + left;
}

/** The brackets and blanks of the bar, and `100 %, 1,024 of 1,024 KiB, 100 KiB/s, being checked`. */
const longestNumbers = 50;
const [shortestBar, longestBar] = [4, 24];

/**
 * `livingroom [██████░░]  62 %, 193 of 312 KiB, 71 KiB/s, 2 s left`, as much of it as has room: the bar goes first, then the
 * amount, then the speed.
 */
export function progressLine(progress: Progress, cells: number): string {
  const { device = '', acknowledgedBytes, totalBytes } = progress;
  const name = printable(device);
  const { percent, amount, speed, left } = progressParts(progress);
  // It keeps its length while the numbers change theirs.
  const barCells = Math.min(longestBar, cells - widthOf(name) - longestNumbers);
  const drawn = barCells < shortestBar ? '' : bar(acknowledgedBytes / Math.max(1, totalBytes), barCells);
  const lines = [
    ...(drawn === '' ? [] : [`${name} ${drawn} ${percent}${amount}${speed}${left}`]),
    `${name} ${percent}${amount}${speed}${left}`,
    `${name} ${percent}${speed}${left}`,
    `${name} ${percent}${left}`,
  ];
  return lines.find((line) => widthOf(line) <= cells) ?? `${name} ${percent}`;
}

function progressParts({ acknowledgedBytes, totalBytes, bytesPerSecond }: Progress) {
  const percent = Math.floor((acknowledgedBytes * 100) / Math.max(1, totalBytes));
  const leftSeconds =
    bytesPerSecond > 0 ? Math.ceil((totalBytes - acknowledgedBytes) / bytesPerSecond) : undefined;
  const isAll = acknowledgedBytes === totalBytes;
  return {
    percent: `${String(percent).padStart(3)} %`,
    amount: `, ${kib(acknowledgedBytes)} of ${kib(totalBytes)} KiB`,
    speed: `, ${rate(bytesPerSecond)}`,
    left: isAll ? ', being checked' : leftSeconds === undefined ? '' : `, ${leftSeconds} s left`,
  };
}

/** `[████████░░░░]`, `width` cells between the brackets. */
export function bar(fraction: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}]`;
}

export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `pushed to`: the device took the image, which is all that is known; `verified on`: it runs it. */
function summary(
  event: Extract<DeployEvent, { type: 'done' }>,
  verified: ReadonlySet<string>,
): ReportLine | undefined {
  const [shown, others] = [true, false].map((is) =>
    event.deployed.filter((name) => verified.has(name) === is),
  );
  const parts = [
    shown !== undefined && shown.length > 0 ? `verified on ${shown.join(', ')}` : '',
    others !== undefined && others.length > 0 ? `pushed to ${others.join(', ')}` : '',
    event.skipped.length > 0 ? `skipped ${event.skipped.join(', ')}` : '',
    event.failed.length > 0
      ? `${event.exitCode > 128 ? 'interrupted' : 'failed'} on ${event.failed.join(', ')}`
      : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) return undefined;
  return {
    type: event.ok ? 'result' : 'failure',
    text: `${parts.join('; ')} in ${seconds(event.durationMs)}`,
  };
}

function describe(image: { kind: ImageKind; chip?: Chip; platform?: Platform }): string {
  const chip = image.chip ?? image.platform;
  const kind = image.kind === 'filesystem' ? 'file system' : 'firmware';
  return chip === undefined ? kind : `${chip.toUpperCase()} ${kind}`;
}

/** A build or an image fails for whatever device; most other messages name theirs already. */
function failureText({ device, message, stage, code }: Extract<DeployEvent, { type: 'failed' }>): string {
  const isOfDevice =
    stage === 'locate' ||
    stage === 'push' ||
    stage === 'verify' ||
    // An image that is good, and not for this device.
    code === 'IMAGE_WRONG_CHIP' ||
    code === 'IMAGE_TOO_LARGE';
  return !isOfDevice || device === undefined || message.includes(device) ? message : `${device}: ${message}`;
}

function rate(bytesPerSecond: number): string {
  return `${kib(bytesPerSecond)} KiB/s`;
}

function kib(bytes: number): string {
  return thousands(Math.round(bytes / 1024));
}

function message(text: string): ReportLine {
  return { type: 'message', text };
}

function detail(text: string): ReportLine {
  return { type: 'detail', text };
}
