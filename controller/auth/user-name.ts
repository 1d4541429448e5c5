/** One spelling for each name, however it was typed. */

export function cleanName(name: string): string {
  return name.normalize('NFC').trim();
}
