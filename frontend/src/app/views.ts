/** Every view, in the order of the navigation. A new one is a line here and a page in `pages/`. */

import type { ComponentType } from 'react'

import Dashboard from './pages/Dashboard'

export interface ViewSpec {
  /** The first part of its address: `#/data`. */
  view: string
  title: string
  /** Views that are opened from another one, such as the details of a strategy, have no link in the navigation. */
  hidden?: true
  load: () => Promise<{ default: ComponentType }>
}

export const HOME: ViewSpec = { view: '', title: 'Dashboard', load: () => Promise.resolve({ default: Dashboard }) }

export const VIEWS: readonly ViewSpec[] = [
  HOME,
  { view: 'strategies', title: 'Strategies', load: () => import('./pages/Strategies') },
  { view: 'equity', title: 'Equity', load: () => import('./pages/Equity') },
  { view: 'positions', title: 'Positions', load: () => import('./pages/Positions') },
  { view: 'trades', title: 'Trades', load: () => import('./pages/Trades') },
  { view: 'research', title: 'Research', load: () => import('./pages/Research') },
  { view: 'parity', title: 'Parity', load: () => import('./pages/Parity') },
  { view: 'polymarket', title: 'Polymarket', load: () => import('./pages/Polymarket') },
  { view: 'data', title: 'Data quality', load: () => import('./pages/DataQuality') },
  { view: 'system', title: 'System', load: () => import('./pages/System') },
]

/** The view of an address, whose first part names it: `strategies/rsi_mean_reversion`. An unknown one is the home page. */
export function viewOf(name: string): ViewSpec {
  return VIEWS.find(({ view }) => view === name.split('/')[0]) ?? HOME
}
