/** Where a password comes from, as it may be shown: somebody may have written the password itself in its place. */

/** By the convention of variables; what is spelled otherwise may be a password that was taken for the name of one. */
export function shownVariable(variable: string): string {
  return /^[A-Z_][A-Z0-9_]*$/.test(variable) ? variable : '…';
}

/** The program alone: `[echo, hunter2]` is a command. */
export function shownCommand([program = '', ...args]: readonly string[]): string {
  return args.length === 0 ? program : `${program} …`;
}
