// A button with a menu: opened by click or key, walked with the arrows, closed with Escape or a click elsewhere.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface Choice {
  text: string;
  act: () => void;
  apart?: boolean;
  note?: string;
  off?: boolean;
}

export function Menu(props: { label: string; children: ComponentChildren; choices: Choice[]; class?: string }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const items = () => [...(box.current?.querySelectorAll<HTMLButtonElement>("[role=menuitem]:not(:disabled)") ?? [])];

  useEffect(() => {
    if (!open) return;
    items()[0]?.focus();
    const elsewhere = (event: PointerEvent) => !box.current?.contains(event.target as Node) && setOpen(false);
    addEventListener("pointerdown", elsewhere);
    return () => removeEventListener("pointerdown", elsewhere);
  }, [open]);

  function pressed(event: KeyboardEvent) {
    if (!open) return;
    const all = items();
    const here = all.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === "Escape") {
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    } else if (event.key === "ArrowDown") all[(here + 1) % all.length]?.focus();
    else if (event.key === "ArrowUp") all[(here - 1 + all.length) % all.length]?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <div class={`menu ${open ? "menu-open" : ""} ${props.class ?? ""}`} ref={box} onKeyDown={pressed}>
      <button
        type="button"
        class="menu-button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={props.label}
        title={props.label}
        onClick={() => setOpen(!open)}
      >
        {props.children}
      </button>
      {open && (
        <div role="menu" aria-label={props.label}>
          {props.choices.map((choice) => (
            <button
              type="button"
              role="menuitem"
              class={choice.apart ? "apart" : undefined}
              disabled={choice.off}
              onClick={() => {
                setOpen(false);
                choice.act();
              }}
            >
              {choice.text}
              {choice.note && <small>{choice.note}</small>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
