/** From a file to an image: what it is, whether it is whole, whether it may go to a device. */

export { checkFits, checkTarget } from './fits.ts';
export { awaitImage, readImage, readPartitionTable } from './read.ts';
