import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Suspense, lazy, useCallback, useMemo } from 'react'

import type { TradeTotals } from '../../api/client'
import { useMeaning } from '../../api/meaning'
import { readToken } from '../../api/reading'
import { csvAddress, csvText, tradeKeys, useTradePages, useTradeTotals } from '../../api/trades'
import { count, percent, signedUsd, usd } from '../../format/numbers'
import { Amount } from '../../ui/Figure'
import { Panel } from '../../ui/Panel'
import { View } from '../../ui/View'
import { download } from '../../ui/csv'
import { replace, useRoute } from '../../ui/route'
import { Filters } from './Filters'
import { TradesTable } from './TradesTable'
import { address, filtersOf, isFiltered, orderOf } from './filters'

const TradeDialog = lazy(() => import('./TradeDialog'))

export function TradesPanel() {
  const { filters: query } = useRoute()
  const filters = filtersOf(query)
  const order = orderOf(query)
  const opened = query.get('trade')
  const client = useQueryClient()
  const pages = useTradePages(filters, order)
  const totals = useTradeTotals(filters)
  const first = pages.data?.pages[0]
  // Equal while no page comes: tens of thousands of rows are not put together for every answer.
  const rows = useMemo(() => pages.data?.pages.flatMap((page) => page.trades), [pages.data])
  const data = rows && { rows, totals: first?.totals ?? null }
  const { fetchNextPage, isFetchingNextPage } = pages
  const more = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [fetchNextPage, isFetchingNextPage])
  const file = useMutation({
    mutationFn: () => csvText(filters, order),
    onSuccess: (text) => {
      download('trades.csv', text)
    },
  })
  const newer = (pages.data?.pages.length ?? 0) > 1 && differ(first?.totals, totals.data)
  return (
    <>
      <Panel
        title="Trades"
        aside={data ? `${count(data.rows.length)} of ${count(totals.data?.trades ?? data.rows.length)} loaded` : ''}
        tools={
          <a
            className="button is-quiet"
            href={csvAddress(filters, order)}
            download
            title="Every trade that matches, not only those loaded; times in the file are UTC."
            onClick={(event) => {
              if (!readToken()) return
              event.preventDefault()
              file.mutate()
            }}
          >
            {file.isPending ? 'CSV…' : file.isError ? 'CSV failed: again' : 'CSV'}
          </a>
        }
        className="trades"
      >
        <Filters filters={filters} onChange={(next) => { replace(address(next, order)) }} />
        {totals.data ? <Totals totals={totals.data} /> : null}
        {newer ? (
          <p className="newer" role="status">
            Trades have been opened or closed since this list was loaded.{' '}
            <button type="button" className="button is-quiet" onClick={() => void client.resetQueries({ queryKey: tradeKeys.pages(filters, order) })}>
              Load it again
            </button>
          </p>
        ) : null}
        <View
          query={{ ...pages, data }}
          lines={12}
          empty={({ rows }) => rows.length === 0}
          whyEmpty={
            isFiltered(filters)
              ? 'No trade matches these filters. Clear one of them to see more.'
              : 'Nothing has been traded yet. A trade appears here as soon as the broker acts on a signal.'
          }
        >
          {({ rows }) => (
            <TradesTable
              rows={rows}
              total={totals.data?.trades ?? rows.length}
              order={order}
              onOrder={(next) => { replace(address(filters, next)) }}
              linkTo={(trade) => address(filters, order, trade)}
              hasMore={pages.hasNextPage}
              onMore={more}
            />
          )}
        </View>
        {isFetchingNextPage ? <p className="newer" role="status">Loading more trades…</p> : null}
      </Panel>
      {opened === null ? null : (
        <Suspense fallback={null}>
          <TradeDialog key={opened} id={opened} onClose={() => { window.location.hash = address(filters, order) }} />
        </Suspense>
      )}
    </>
  )
}

function differ(held: TradeTotals | null | undefined, now: TradeTotals | undefined): boolean {
  if (!held || !now) return false
  return held.trades !== now.trades || held.open !== now.open || held.realised_pnl !== now.realised_pnl
}

const PARTS = [
  ['gross_pnl', 'Price', 1, 'gross_pnl'],
  ['fees', 'Fees', -1, 'split.fees'],
  ['funding_pnl', 'Funding', 1, 'split.funding'],
] as const

/** What all trades that match sum up to; the server adds, to the last digit. */
function Totals({ totals }: { totals: TradeTotals }) {
  const meaning = useMeaning()
  const closed = totals.trades - totals.open
  return (
    <dl className="totals" data-testid="trade-totals">
      <div>
        <dt>Trades</dt>
        <dd>{count(totals.trades)}{totals.open ? <small> {count(totals.open)} open</small> : null}</dd>
      </div>
      <div title={meaning('win_rate')}>
        <dt>Won</dt>
        <dd>{closed ? percent(totals.wins / closed, 1) : '–'}</dd>
      </div>
      <div title={meaning('realised_pnl')}>
        <dt>Result</dt>
        <dd data-testid="trade-result"><Amount of={totals.realised_pnl}>{signedUsd(totals.realised_pnl)}</Amount></dd>
      </div>
      {PARTS.map(([name, words, sign, metric]) => (
        <div key={name} title={meaning(metric)}>
          <dt>{words}</dt>
          <dd>{signedUsd(sign * Number(totals[name]))}</dd>
        </div>
      ))}
      <div title={meaning('split.slippage', 'It is inside the price already.')}>
        <dt>Slippage inside</dt>
        <dd>{usd(totals.slippage_cost)}</dd>
      </div>
    </dl>
  )
}
