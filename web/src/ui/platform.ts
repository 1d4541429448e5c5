/** What the keyboard in front of the person calls its keys. */

const isMac = navigator.platform.startsWith('Mac');

export const controlKey = isMac ? '⌘' : 'Ctrl';
