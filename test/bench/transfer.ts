/** How long 400 KiB take: a perfect sender, otarc and a lockstep sender, side by side against equal devices. */

import { startVirtualDevice, type Link, type Model } from '../../src/simulator/index.ts';
import { sketch } from '../support/raw-client.ts';
import { lockstepSender, otarcSender, perfectSender, type Sender } from './senders.ts';
import { median, printTable, seconds } from './table.ts';

export interface Scenario {
  readonly model: Model;
  readonly link: Partial<Link>;
  /** Otarc's time over the perfect sender's must not be more. */
  readonly limit?: number;
}

/** The limits of the issue. */
export const required: readonly Scenario[] = [
  { model: 'esp8266', link: { roundTripMs: 20, windowBytes: 2144 }, limit: 1.02 },
  { model: 'esp8266', link: { roundTripMs: 20, windowBytes: 5840 }, limit: 1.02 },
];

/** Other links and devices, for the eye. */
export const others: readonly Scenario[] = [
  { model: 'esp8266', link: { roundTripMs: 0, windowBytes: 2144 } },
  { model: 'esp8266', link: { roundTripMs: 0, windowBytes: 5840 } },
  { model: 'esp8266', link: { roundTripMs: 50, windowBytes: 2144 } },
  { model: 'esp8266', link: { roundTripMs: 50, windowBytes: 5840 } },
  { model: 'esp32', link: { roundTripMs: 20 } },
  { model: 'esp32', link: { roundTripMs: 50 } },
  { model: 'rp2040', link: { roundTripMs: 20 } },
];

const image = sketch(400 * 1024);
const senders: Readonly<Record<string, Sender>> = {
  perfect: perfectSender,
  otarc: otarcSender,
  lockstep: lockstepSender,
};

/** Prints the table; whether every limit was kept. */
export async function benchTransfer(scenarios: readonly Scenario[], rounds: number): Promise<boolean> {
  const times = scenarios.map(() => new Map(Object.keys(senders).map((name) => [name, [] as number[]])));
  for (let round = 0; round < rounds; round += 1) {
    // All at once: each waits for its device nearly all the time.
    await Promise.all(
      scenarios.flatMap((scenario, index) =>
        Object.entries(senders).map(async ([name, sender]) => {
          times[index]?.get(name)?.push(await once(scenario, sender));
        }),
      ),
    );
  }
  let isKept = true;
  const rows = scenarios.map(({ model, link, limit }, index) => {
    const of = (name: string): number => median(times[index]?.get(name) ?? []);
    const ratio = of('otarc') / of('perfect');
    isKept &&= ratio <= (limit ?? Infinity);
    return [
      model,
      `${link.windowBytes ?? 'own'}`,
      `${link.roundTripMs} ms`,
      seconds(of('perfect')),
      seconds(of('otarc')),
      seconds(of('lockstep')),
      ratio.toFixed(4),
      (of('lockstep') / of('perfect')).toFixed(2),
      limit === undefined ? '' : `≤ ${limit}: ${ratio <= limit ? 'kept' : 'MISSED'}`,
    ];
  });
  printTable(`400 KiB, 55 ms per 4 KiB, median of ${rounds}`, [
    ['device', 'window', 'round trip', 'perfect', 'otarc', 'lockstep', 'otarc ÷', 'lockstep ÷', 'limit'],
    ...rows,
  ]);
  return isKept;
}

async function once({ model, link }: Scenario, sender: Sender): Promise<number> {
  const device = await startVirtualDevice({ model, link, flash: { msPerSector: 55 } });
  try {
    return await sender(device, image);
  } finally {
    await device.close();
  }
}
