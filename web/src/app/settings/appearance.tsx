/** Light, dark, or as the system says. */

import { Monitor, Moon, Sun } from 'lucide-react';
import { Segments } from '../../ui/segments.tsx';
import { setTheme, useTheme } from '../../ui/theme.ts';

const choices = [
  { value: 'system', name: 'System', icon: <Monitor aria-hidden /> },
  { value: 'light', name: 'Light', icon: <Sun aria-hidden /> },
  { value: 'dark', name: 'Dark', icon: <Moon aria-hidden /> },
] as const;

export function Appearance() {
  return <Segments label="Theme" value={useTheme()} choices={choices} onChange={setTheme} />;
}
