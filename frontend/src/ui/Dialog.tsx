import { useEffect, useRef } from 'react'
import type { ReactNode } from 'react'

interface Props {
  title: ReactNode
  /** For screen readers, and for whoever looks for it. */
  label: string
  wide?: boolean
  onClose: () => void
  children: ReactNode
}

/** A modal dialog: Escape, the button and a click beside it close it; the focus goes back to where it was. */
export function Dialog({ title, label, wide = false, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = element.current
    if (!dialog) return
    const before = document.activeElement
    dialog.showModal()
    return () => {
      dialog.close()
      if (before instanceof HTMLElement) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog
      ref={element}
      className={wide ? 'dialog is-wide' : 'dialog'}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        // Only the backdrop is the dialog itself: its content fills it.
        if (event.target === event.currentTarget) onClose()
      }}
    >
      <div className="dialog-inside">
        <header className="dialog-head">
          <h2>{title}</h2>
          <button type="button" className="button is-quiet" onClick={onClose} aria-label="Close this window">
            Close
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}
