import { useEffect, useRef, useState } from 'react'

interface Tip {
  of: Element
  text: string
  by: 'focus' | 'touch'
}

const GAP = 6
const MARGIN = 8

/** What a mouse reads in a `title`, for fingers and keyboards: on touch and on focus, closed by Escape or elsewhere. */
export function Tips() {
  const [tip, setTip] = useState<Tip | null>(null)
  const box = useRef<HTMLDivElement>(null)

  useEffect(() => {
    const close = () => {
      setTip(null)
    }
    // A finger moves the focus too, after its touch: that neither shows nor closes what the touch has shown.
    const focused = (event: FocusEvent) => {
      if (event.target instanceof Element && event.target.matches(':focus-visible')) setTip(titled(event.target, 'focus'))
    }
    const left = () => {
      setTip((shown) => (shown?.by === 'focus' ? null : shown))
    }
    const touched = (event: PointerEvent) => {
      if (event.pointerType !== 'touch' || !(event.target instanceof Element)) return
      // A finger on a button means what the button does.
      const of = event.target.closest('a, button, input, select, label') ? null : titled(event.target, 'touch')
      setTip((shown) => (shown?.of === of?.of ? null : of))
    }
    const pressed = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close()
    }
    document.addEventListener('focusin', focused)
    document.addEventListener('focusout', left)
    document.addEventListener('pointerup', touched)
    document.addEventListener('keydown', pressed)
    window.addEventListener('scroll', close, { capture: true, passive: true })
    return () => {
      document.removeEventListener('focusin', focused)
      document.removeEventListener('focusout', left)
      document.removeEventListener('pointerup', touched)
      document.removeEventListener('keydown', pressed)
      window.removeEventListener('scroll', close, { capture: true })
    }
  }, [])

  useEffect(() => {
    const shown = box.current
    if (tip === null || shown === null) return
    // A popover lies above dialogs too; it is measured once it is shown.
    shown.showPopover()
    const anchor = tip.of.getBoundingClientRect()
    const { width, height } = shown.getBoundingClientRect()
    const below = anchor.bottom + GAP + height <= window.innerHeight
    shown.style.left = `${Math.max(MARGIN, Math.min(anchor.left, window.innerWidth - width - MARGIN))}px`
    shown.style.top = `${below ? anchor.bottom + GAP : Math.max(MARGIN, anchor.top - GAP - height)}px`
  }, [tip])

  // A screen reader has the title already. A new element for each: a popover that is removed is closed.
  return tip ? (
    <div key={tip.text} ref={box} className="tip" popover="manual" aria-hidden="true" data-testid="tip">
      {tip.text}
    </div>
  ) : null
}

function titled(element: Element, by: Tip['by']): Tip | null {
  const of = element.closest('[title]')
  const text = of?.getAttribute('title')
  return of && text ? { of, text, by } : null
}
