/** What is asked for and what was announced, put together. Pure. */

import type { Host } from './answers.ts';
import { platformOfBoard } from './board.ts';
import { choosePort } from './port.ts';
import type { Located, LocateRequest } from './types.ts';

/** What the device says of itself; the first port counts. */
type Announcing = Pick<Host, 'ports' | 'board' | 'authRequired'>;

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
  const { board, authRequired } = host ?? {};
  const announced = host?.ports[0];
  const platform = configuredPlatform ?? (board === undefined ? undefined : platformOfBoard(board));
  const port = choosePort({ configured, announced, platform });
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
