/** Rules as `iptables -S` and `ip6tables -S` print them. Pure. */

import {
  every,
  fitAddress,
  fitIf,
  fitInterface,
  fitPort,
  judge,
  not,
  some,
  type Chain,
  type Fit,
  type Incoming,
  type Outcome,
  type Rule,
  type Verdict,
} from './ruleset.ts';

export function judgedByIptables(text: string, incoming: Incoming): Outcome {
  const policies = new Map<string, NonNullable<Chain['policy']>>();
  const rules = new Map<string, Rule[]>();
  for (const line of text.split('\n')) {
    const [option, name = '', ...rest] = wordsOf(line);
    if (option === '-P') policies.set(name, rest[0] === 'DROP' ? 'drop' : 'accept');
    if (option === '-P' || option === '-N') rules.set(name, []);
    if (option === '-A') rules.get(name)?.push(ruleOf(rest, incoming));
  }
  const chains = new Map(
    [...rules].map(([name, own]): [string, Chain] => {
      const policy = policies.get(name);
      return [name, { rules: own, ...(policy === undefined ? {} : { policy }) }];
    }),
  );
  return judge('INPUT', chains);
}

/** A comment may have spaces. */
const wordsOf = (line: string): readonly string[] => line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];

function ruleOf(words: readonly string[], incoming: Incoming): Rule {
  const fits: Fit[] = [];
  let verdict: Verdict = { type: 'none' };
  let isNegated = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '!') {
      isNegated = true;
      continue;
    }
    if (!word.startsWith('-')) continue;
    const value = words[at + 1] ?? '';
    if (word === '-j' || word === '-g') {
      verdict = verdictOf(value, word);
      // What stands behind it belongs to the target.
      break;
    }
    const fit = fitOf(word, { value, next: words[at + 2] ?? '', incoming });
    fits.push(isNegated ? not(fit) : fit);
    isNegated = false;
  }
  return { fit: every(fits), verdict };
}

function verdictOf(target: string, option: '-j' | '-g'): Verdict {
  switch (target) {
    case 'ACCEPT':
      return { type: 'accept' };
    case 'DROP':
    case 'REJECT':
      return { type: 'drop' };
    case 'RETURN':
      return { type: 'return' };
    default:
      // One that is no chain, such as LOG, leads nowhere.
      return { type: option === '-g' ? 'goto' : 'jump', chain: target };
  }
}

function fitOf(
  option: string,
  { value, next, incoming }: { value: string; next: string; incoming: Incoming },
): Fit {
  switch (option) {
    // Only names what the next ones belong to.
    case '-m':
    case '--comment':
      return 'yes';
    case '-p':
      return fitIf(value === 'tcp' || value === 'all');
    case '-i':
      return fitInterface(incoming, value);
    case '-s':
    case '--src-range':
      return fitAddress(incoming.address, value);
    case '-d':
      return fitAddress(incoming.hostAddress, value);
    case '--dst-type':
      return fitIf(value.split(',').includes('LOCAL'));
    case '--ctstate':
    case '--state':
      return fitIf(value.split(',').includes('NEW'));
    case '--dport':
    case '--dports':
      return some(value.split(',').map((each) => fitPorts(each, incoming)));
    case '--tcp-flags':
      return next === 'SYN' ? 'yes' : 'maybe';
    default:
      return 'maybe';
  }
}

/** `22`, `6000:7000` */
function fitPorts(text: string, incoming: Incoming): Fit {
  const [from = '', to = from] = text.split(':');
  return /^\d+$/.test(from) && /^\d+$/.test(to) ? fitPort(incoming, Number(from), Number(to)) : 'maybe';
}
