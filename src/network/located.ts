/** What is asked for and what was announced, put together. Pure. */

import type { Host } from './sighting.ts';
import { platformOfBoard } from '../model/board.ts';
import type { Located, LocateRequest } from './types.ts';

/** What the device says of itself; of several services the one at the configured port counts, else the first. */
type Announcing = Pick<Host, 'ports' | 'texts' | 'board' | 'authRequired'>;

export interface Place {
  readonly address: string;
  readonly via: Located['via'];
  /** Absent where it is not known to announce itself. */
  readonly host: Announcing | undefined;
}

export function locatedOf(
  { port: configured, platform: configuredPlatform }: LocateRequest,
  { address, via, host }: Place,
): Located {
  const announced = host?.ports.find((port) => port === configured) ?? host?.ports[0];
  const { board, authRequired } = host?.texts?.find(({ port }) => port === announced) ?? host ?? {};
  const platform = configuredPlatform ?? (board === undefined ? undefined : platformOfBoard(board));
  // The announcement goes before the default of a platform: HomeDing listens on 8266 on every chip.
  const port = configured ?? announced;
  return {
    address,
    via,
    ...(port === undefined ? {} : { port }),
    ...(platform === undefined ? {} : { platform }),
    ...(announced === undefined
      ? {}
      : {
          announced: {
            port: announced,
            ...(board === undefined ? {} : { board }),
            ...(authRequired === undefined ? {} : { authRequired }),
          },
        }),
  };
}
