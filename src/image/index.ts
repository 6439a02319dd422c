/** From a file to an image: what it is, whether it is whole, whether it may go to a device. */

export type { PartitionTable } from './partition.ts';
export { checkFits, checkTarget, roomFor } from './fits.ts';
export { awaitImage, readImage, readPartitionTable } from './read.ts';
