import { noop, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'

import { link, useRoute } from '../ui/route'
import { codeOf } from './Shown'
import { VIEWS, viewOf } from './views'

/** A line of links; where it does not fit, a button that opens them as a list. */
export function Navigation() {
  const client = useQueryClient()
  const shown = viewOf(useRoute().view)
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const close = () => {
    setOpen(false)
  }
  return (
    <nav
      className="views"
      aria-label="Views"
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || !open) return
        close()
        button.current?.focus()
      }}
    >
      <button
        ref={button}
        type="button"
        className="button views-button"
        aria-label={`View: ${shown.title}`}
        aria-expanded={open}
        aria-controls="views"
        onClick={() => {
          setOpen(!open)
        }}
      >
        {shown.title}
        <span aria-hidden="true"> ▾</span>
      </button>
      <ul id="views" className={open ? 'is-open' : ''}>
        {VIEWS.filter(({ hidden }) => !hidden).map((spec) => {
          // Fetched before it is opened, so that opening it does not wait.
          const prefetch = () => {
            client.query(codeOf(spec)).catch(noop)
          }
          return (
            <li key={spec.view}>
              <a
                href={link(spec.view)}
                aria-current={spec === shown ? 'page' : undefined}
                onClick={close}
                onFocus={prefetch}
                onPointerEnter={prefetch}
              >
                {spec.title}
              </a>
            </li>
          )
        })}
      </ul>
    </nav>
  )
}
