import { useSyncExternalStore } from 'react'

/** Where the reader is: the part of the address after `#/`, so that a link holds the view and all its filters. */
export interface Route {
  view: string
  filters: URLSearchParams
}

export function parse(hash: string): Route {
  const [view = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { view, filters: new URLSearchParams(query) }
}

/** `#/data?asset=BTC`; filters that are empty are left out. */
export function link(view: string, filters: Readonly<Record<string, string | null>> = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) if (value) query.set(name, value)
  const text = query.toString()
  return `#/${view}${text ? `?${text}` : ''}`
}

function subscribe(changed: () => void): () => void {
  window.addEventListener('hashchange', changed)
  return () => {
    window.removeEventListener('hashchange', changed)
  }
}

export function useRoute(): Route {
  return parse(useSyncExternalStore(subscribe, () => window.location.hash))
}

/** Changes a filter in place: going back leaves the view, not the filter. */
export function replace(hash: string): void {
  window.history.replaceState(null, '', hash)
  window.dispatchEvent(new HashChangeEvent('hashchange'))
}
