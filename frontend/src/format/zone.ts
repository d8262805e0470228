/** Whether moments are shown in UTC or by the reader's own clock; the choice is kept. */

import { useSyncExternalStore } from 'react'

export const ZONES = ['UTC', 'Local'] as const
export type Zone = (typeof ZONES)[number]

const STORED = 'zone'
const listeners = new Set<() => void>()

export function zone(): Zone {
  return localStorage.getItem(STORED) === 'Local' ? 'Local' : 'UTC'
}

export function setZone(next: Zone): void {
  if (next === 'UTC') localStorage.removeItem(STORED)
  else localStorage.setItem(STORED, next)
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

/** For whoever draws moments and must draw them again when the choice changes; views are drawn anew by the shell. */
export function useZone(): Zone {
  return useSyncExternalStore(subscribe, zone)
}

/** Milliseconds by which the shown clock is ahead of UTC at that moment: summer and winter differ. */
export function offsetMs(timeMs: number): number {
  return zone() === 'UTC' ? 0 : -new Date(timeMs).getTimezoneOffset() * 60_000
}
