/**
 * From boot to boot: what runs, what it says of itself, and how it ends.
 *
 *   power-on ──► runs ──took an image──► down ──► runs: the new sketch, `software`
 *                 ▲ └──── crashes ──────► │ └───► nothing, where it never returns
 *                 └──── `watchdog` ───────┘
 */

import { randomBytes } from 'node:crypto';

import type { Conversation } from './conversation.ts';
import type { VirtualDeviceEventBody } from './events.ts';
import type { Faults } from './faults.ts';
import type { Timing } from './models.ts';
import type { Presence } from './presence.ts';
import { bootedSketch, isCrashing, type BootedSketch } from './running.ts';
import type { SketchPorts } from './sketch-ports.ts';
import type { Storage } from './storage.ts';
import type { Timeline } from './timeline.ts';
import type { Counters, VirtualDeviceOptions } from './virtual-device.ts';

export interface LifeParts {
  readonly options: Pick<VirtualDeviceOptions, 'announcesRunning' | 'version'>;
  readonly timing: Timing;
  readonly faults: Faults;
  readonly timeline: Timeline;
  readonly counters: Counters;
  readonly storage: Storage;
  readonly conversation: Conversation;
  readonly presence: Presence;
  /** Undefined: the sketch serves nothing but updates. */
  readonly ports: SketchPorts | undefined;
  readonly tell: (event: VirtualDeviceEventBody) => void;
}

export class Life {
  sketch: BootedSketch;

  readonly #parts: LifeParts;
  readonly #flashKey = randomBytes(32);
  #stopCrash: () => void = () => {};
  #isCrashDue = false;
  #closed = false;

  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.sketch = this.#booted('power-on');
  }

  /** The sketch that it has from the start runs. */
  start(atMs: number): void {
    const { options, ports, storage, faults, timeline, tell } = this.#parts;
    if (options.announcesRunning && !faults.withoutProof) tell({ type: 'booted', ...this.sketch });
    ports?.boot(this.sketch, atMs);
    this.#isCrashDue = false;
    if (!isCrashing(storage, faults)) return;
    const { crashesAfterMs = Number.POSITIVE_INFINITY } = faults;
    this.#stopCrash = timeline.at(atMs + crashesAfterMs, (dueMs) => this.#crash(dueMs));
  }

  /** The sketch is down, and boots after `reason`. `isUpdate`: it restarts by itself, after it has taken an image. */
  restart({ reason, isUpdate, atMs }: { reason: string; isUpdate: boolean; atMs: number }): void {
    const { conversation, counters, faults, options, timing, timeline } = this.#parts;
    conversation.stop();
    this.#stopCrash();
    counters.reboots += 1;
    const backMs = atMs + ((isUpdate ? faults.returnsAfterMs : undefined) ?? timing.rebootMs);
    const lingers = isUpdate && options.announcesRunning === true;
    this.#leave({ atMs, lingerMs: lingers ? timing.lingerMs : 0, backMs });
    if (faults.neverReturns) return;
    timeline.at(backMs, () => this.#boot(backMs, reason));
  }

  /** `handle()` has left an update that came to nothing. */
  goOn(atMs: number): void {
    if (this.#isCrashDue) this.#crash(atMs);
    // The same `handle()` goes on with what has come meanwhile.
    else this.#parts.conversation.resume(atMs);
  }

  close(): void {
    this.#closed = true;
    this.#parts.ports?.down({ hang: false });
  }

  #leave({ atMs, lingerMs, backMs }: { atMs: number; lingerMs: number; backMs: number }): void {
    const { faults, ports, presence, timeline } = this.#parts;
    ports?.down({ hang: faults.connectionsHang === true });
    if (lingerMs === 0) presence.silence();
    else timeline.at(Math.min(atMs + lingerMs, backMs), () => presence.silence());
  }

  #boot(atMs: number, reason: string): void {
    const { conversation, ports, presence, storage, tell } = this.#parts;
    const changed = storage.boot();
    this.sketch = this.#booted(reason);
    const start = (): void => {
      if (this.#closed) return;
      conversation.state = 'idle';
      conversation.resume(atMs);
      const { md5 = '', sizeBytes = 0 } = storage.running ?? {};
      tell({ type: 'runs', md5, sizeBytes, changed });
      this.start(atMs);
      presence.return();
    };
    if (presence.isToMove || ports) void this.#arrive().then(start);
    else start();
  }

  async #arrive(): Promise<void> {
    const { ports, presence } = this.#parts;
    if (presence.isToMove) await presence.move();
    if (!this.#closed) await ports?.reopen(presence.address);
    if (this.#closed) ports?.down({ hang: false });
  }

  #booted(boot: string): BootedSketch {
    const { faults, options, storage } = this.#parts;
    const key = faults.flashEncryption ? this.#flashKey : undefined;
    return bootedSketch({ storage, boot, version: options.version, key });
  }

  #crash(atMs: number): void {
    const { conversation, faults, ports, tell } = this.#parts;
    this.#isCrashDue = conversation.state === 'updating';
    if (this.#isCrashDue) return;
    const { crashReason: reason = 'watchdog' } = faults;
    tell({ type: 'crashed', reason });
    ports?.crash(reason);
    this.restart({ reason, isUpdate: false, atMs });
    tell({ type: 'rebooting' });
  }
}
