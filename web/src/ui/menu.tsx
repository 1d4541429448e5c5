/** Menus that drop from a button. Not modal: the modal kind writes a style element, which the page's policy refuses. */

import { Check } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { classes } from './classes.ts';

const item =
  'flex min-h-10 cursor-default items-center gap-2.5 rounded-sm px-2.5 text-sm outline-none select-none data-[disabled]:text-muted data-[disabled]:opacity-70 data-[highlighted]:bg-sunken';

export interface MenuProps {
  trigger: ReactNode;
  children: ReactNode;
  align?: 'start' | 'end';
  side?: 'top' | 'bottom';
  label?: string;
}

export function Menu({ trigger, children, align = 'end', side = 'bottom', label }: MenuProps) {
  // Within the page's landmark, so that who jumps between landmarks does not lose it.
  const [landmark, setLandmark] = useState<HTMLElement | null>(null);
  return (
    <DropdownMenu.Root modal={false} onOpenChange={() => setLandmark(document.querySelector('main'))}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal container={landmark}>
        <DropdownMenu.Content
          align={align}
          side={side}
          sideOffset={6}
          collisionPadding={12}
          aria-label={label}
          className="z-50 max-h-[min(24rem,70vh)] min-w-48 overflow-auto rounded-lg border border-line bg-raised p-1 shadow-float animate-appear thin-scroll"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export interface MenuItemProps {
  children: ReactNode;
  icon?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  onSelect(): void;
}

export function MenuItem({ children, icon, danger = false, disabled = false, onSelect }: MenuItemProps) {
  return (
    <DropdownMenu.Item className={classes(item, danger && 'text-bad')} disabled={disabled} onSelect={onSelect}>
      {icon && <span className={classes('[&>svg]:size-4', !danger && 'text-muted')}>{icon}</span>}
      {children}
    </DropdownMenu.Item>
  );
}

export interface Choice {
  value: string;
  name: string;
  /** Why it cannot be chosen, or what it is. */
  remark?: string | undefined;
  disabled?: boolean;
}

export function MenuChoices({
  value,
  choices,
  onChange,
}: {
  value: string;
  choices: Choice[];
  onChange(value: string): void;
}) {
  return (
    <DropdownMenu.RadioGroup value={value} onValueChange={onChange}>
      {choices.map((choice) => (
        <DropdownMenu.RadioItem
          key={choice.value}
          value={choice.value}
          disabled={choice.disabled ?? false}
          className={item}
        >
          <span className="flex w-4 shrink-0 text-accent">
            <DropdownMenu.ItemIndicator>
              <Check className="size-4" aria-hidden />
            </DropdownMenu.ItemIndicator>
          </span>
          <span className="flex-1">{choice.name}</span>
          {choice.remark && <span className="text-xs text-muted">{choice.remark}</span>}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2.5 pt-2 pb-1 text-xs text-muted">{children}</DropdownMenu.Label>;
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
