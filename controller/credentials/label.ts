/** Labels tell several accounts of one provider apart. */

export const defaultLabel = 'default';

/** One spelling for each label, however it was typed. */
export function cleanLabel(label: string | undefined): string {
  return label === undefined ? defaultLabel : label.normalize('NFC').trim();
}
