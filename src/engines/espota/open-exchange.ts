/** The sockets and the clock of one exchange. */

import type { Target } from '../../model/types.ts';
import type { EngineContext } from '../engine.ts';
import type { Exchange } from './agree.ts';
import { tellConversation } from './conversation.ts';
import { noDevice, notPrepared } from './failures.ts';
import { createInbox } from './inbox.ts';
import { openTransport, type ExchangeInput, type OpenTransport } from './transport.ts';

export interface ExchangeParts {
  readonly open: OpenTransport;
  readonly now: () => number;
}

/** Opens the sockets of one exchange and sends nothing. */
export async function openExchange(
  { open, now }: ExchangeParts,
  target: Target,
  context: EngineContext,
): Promise<Omit<Exchange, 'where'>> {
  const { hostAddress, hostPort } = target;
  if (/^(?:0\.0\.0\.0|[0:]+)$/.test(target.address)) throw noDevice(target, 'stands for any');
  const inbox = createInbox<ExchangeInput>(now);
  const conversation = tellConversation({ tell: context.tell, now });
  const transport = await open({
    device: target,
    tell: (input) => inbox.put(conversation.heard(input)),
    ...(hostAddress === undefined ? {} : { hostAddress }),
    ...(hostPort === undefined ? {} : { hostPort }),
  }).catch((error: unknown) => {
    throw notPrepared(error, target);
  });
  return { target, context, transport: conversation.over(transport), inbox, now };
}

/** The real sockets, and the clock that no one sets. */
export const systemParts: ExchangeParts = { open: openTransport, now: () => performance.now() };
