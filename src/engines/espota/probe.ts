/**
 * A push up to the moment where the first byte would go: invitation, password, connection. The connection is reset
 * then, so the device writes nothing and is idle again; its sketch has heard that an update began and failed.
 *
 * Why not less: a size that the device refuses would not show whether it can connect, and an ESP32 does not even say
 * that it refuses. Nothing is erased before the first byte, on any of the three cores.
 */

import type { EngineContext } from '../engine.ts';
import type { AuthScheme } from '../../model/events.ts';
import type { Target } from '../../model/types.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import { agree, type Offered } from './agree.ts';
import { openExchange, systemParts } from './open-exchange.ts';
import { nothingObserved } from './session.ts';
import type { SocketEndpoint } from './udp-sockets.ts';

/** What an exchange without an image has shown. */
export interface Probed {
  readonly scheme: AuthScheme;
  /** Measured where the device answers without doing anything first: one that asks for a password. */
  readonly roundTripMs?: number;
  /** From its agreement to its connection. */
  readonly connectMs: number;
  readonly connectedFrom: string;
  /** Until it answered. */
  readonly invitations: number;
}

interface ProbeOptions extends EngineContext {
  readonly silenceLimitMs?: number | undefined;
}

/** @throws OtaError as a push of this image would, as far as it comes to that */
export async function probeExchange(
  target: Target,
  image: Offered,
  { tell, signal, silenceLimitMs }: ProbeOptions,
): Promise<Probed> {
  const { now } = systemParts;
  let scheme: AuthScheme = 'none';
  let agreedAtMs = now();
  const context: EngineContext = {
    signal,
    tell: (event) => {
      if (event.type === 'authenticated') {
        scheme = event.scheme;
        agreedAtMs = now();
      }
      tell(event);
    },
  };
  const parts = await openExchange(systemParts, target, context);
  const observed = nothingObserved(parts.transport);
  try {
    const exchange = { ...parts, where: { target, observed } };
    const { connection, roundTripMs } = await agree(exchange, image, { signal, silenceLimitMs });
    const connectMs = now() - agreedAtMs;
    connection.reset();
    const { invitations } = observed;
    return withoutUndefined({
      scheme,
      roundTripMs,
      connectMs,
      connectedFrom: connection.address,
      invitations,
    });
  } finally {
    await parts.transport.close();
  }
}

/**
 * Opens the sockets of a push, and sends nothing: the address and the port of this host that the device would be told.
 *
 * @throws OtaError as a push would
 */
export async function trySockets(target: Target, signal: AbortSignal): Promise<SocketEndpoint> {
  const { transport } = await openExchange(systemParts, target, { tell: () => {}, signal });
  await transport.close();
  return transport.local;
}
