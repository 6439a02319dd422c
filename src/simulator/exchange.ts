/**
 * What a datagram does to a device. Pure.
 *
 *   idle ──invitation──► waiting-for-auth ──authentication──► updating (or idle again, when it is wrong)
 *     │                        └──anything else──► idle, without a word
 *     └──invitation, no password──► updating
 */

export type DeviceState = 'idle' | 'waiting-for-auth' | 'updating' | 'rebooting';

export interface ReceivedInvitation {
  readonly command: 0 | 100;
  readonly hostPort: number;
  readonly sizeBytes: number;
  /** As it came; 32 characters. */
  readonly md5: string;
}

export type ExchangeStep =
  | { readonly type: 'ignored'; readonly reason: IgnoredReason }
  /** Send a nonce and wait for the proof, or begin at once where no password is set. */
  | { readonly type: 'invited'; readonly invitation: ReceivedInvitation }
  | { readonly type: 'check'; readonly cnonce: string; readonly response: string };

export type IgnoredReason =
  | 'rebooting'
  | 'updating'
  | 'unknown-command'
  | 'md5-length'
  | 'not-an-authentication'
  | 'authentication-length';

/** `state` is the one after the datagram, as far as the datagram alone decides. */
export interface Reaction {
  readonly state: DeviceState;
  readonly step: ExchangeStep;
}

export function react(
  state: DeviceState,
  datagram: string,
  { tokenLength }: { readonly tokenLength: number },
): Reaction {
  switch (state) {
    case 'rebooting':
    case 'updating':
      return { state, step: { type: 'ignored', reason: state } };
    case 'idle': {
      const invitation = parseInvitation(datagram);
      if (typeof invitation === 'string') return { state, step: { type: 'ignored', reason: invitation } };
      return { state, step: { type: 'invited', invitation } };
    }
    case 'waiting-for-auth': {
      const words = /^ *(\d*).?([^ \0]*) ?([^\n\0]*)/s.exec(datagram);
      const [, command = '', cnonce = '', response = ''] = words ?? [];
      if (Number(command) !== 200) {
        return { state: 'idle', step: { type: 'ignored', reason: 'not-an-authentication' } };
      }
      if (cnonce.length !== tokenLength || response.length !== tokenLength) {
        return { state: 'idle', step: { type: 'ignored', reason: 'authentication-length' } };
      }
      return { state, step: { type: 'check', cnonce, response } };
    }
    default:
      return state satisfies never;
  }
}

/** The firmware's reading: digits that are missing are a 0, and only the length of the MD5 is looked at. */
function parseInvitation(datagram: string): ReceivedInvitation | 'unknown-command' | 'md5-length' {
  const words = /^ *(\d*) *(\d*) *(\d*).?([^\n\0]*)/s.exec(datagram);
  const [, command = '', port = '', size = '', rest = ''] = words ?? [];
  const number = Number(command);
  if (number !== 0 && number !== 100) return 'unknown-command';
  const md5 = rest.trim();
  if (md5.length !== 32) return 'md5-length';
  return { command: number, hostPort: Number(port), sizeBytes: Number(size), md5 };
}
