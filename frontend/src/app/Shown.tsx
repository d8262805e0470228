import { queryOptions, useQuery } from '@tanstack/react-query'
import { Component, useEffect, useRef } from 'react'
import type { ReactNode } from 'react'

import { useZone } from '../format/zone'
import { Page } from '../ui/Page'
import { View } from '../ui/View'
import { useRoute } from '../ui/route'
import Dashboard from './pages/Dashboard'
import { HOME, viewOf } from './views'
import type { ViewSpec } from './views'

/** The code of a view is asked for like data: it loads, it can fail while the server starts again, it can be retried. */
export const codeOf = ({ view, load }: ViewSpec) =>
  queryOptions({ queryKey: ['code', view], queryFn: load, staleTime: Infinity, gcTime: Infinity, structuralSharing: false })

/** The view that the address names. */
export function Shown() {
  const { view } = useRoute()
  const spec = viewOf(view)
  const zone = useZone()
  useEffect(() => {
    document.title = spec === HOME ? 'Paper trading' : `${spec.title} · Paper trading`
  }, [spec])
  useFocusOnChange(view)
  // Charts draw moments on a canvas: another clock draws the view anew.
  return (
    <Boundary key={`${spec.view} ${zone}`} title={spec.title}>
      {spec === HOME ? <Dashboard /> : <Loaded spec={spec} />}
    </Boundary>
  )
}

function Loaded({ spec }: { spec: ViewSpec }) {
  const query = useQuery(codeOf(spec))
  if (query.data) return <query.data.default />
  return (
    <Page title={spec.title}>
      <View query={query} lines={8}>
        {() => null}
      </View>
    </Page>
  )
}

/** Keyboard and screen reader go on where the new view begins; not on the first one, nor when only a filter changes. */
function useFocusOnChange(view: string): void {
  const before = useRef(view)
  useEffect(() => {
    if (before.current === view) return
    before.current = view
    window.scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [view])
}

interface BoundaryProps {
  title: string
  children: ReactNode
}

/** A view that breaks says so and leaves the others alone. */
export class Boundary extends Component<BoundaryProps, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }

  override render() {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <Page title={this.props.title}>
        <div className="note note-error" role="alert">
          <strong>This view broke. That is a bug.</strong>
          <p>The other views still work. The reason was: {error.message}</p>
          <button
            type="button"
            className="button"
            onClick={() => {
              this.setState({ error: null })
            }}
          >
            Show it again
          </button>
        </div>
      </Page>
    )
  }
}
