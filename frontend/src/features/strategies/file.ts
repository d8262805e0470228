/** The comparison as a file: what the server answered, not what the table rounds. */

import type { StrategyRow } from '../../api/client'
import type { CsvColumn } from '../../ui/csv'

export const FILE_COLUMNS: readonly CsvColumn<StrategyRow>[] = [
  { name: 'strategy', value: (row) => row.name },
  { name: 'status', value: (row) => row.status },
  { name: 'total_pnl_usd', value: (row) => row.total_pnl },
  { name: 'realised_pnl_usd', value: (row) => row.realised_pnl },
  { name: 'price_pnl_usd', value: (row) => row.split.price },
  { name: 'slippage_usd', value: (row) => row.split.slippage },
  { name: 'fees_usd', value: (row) => row.split.fees },
  { name: 'funding_usd', value: (row) => row.split.funding },
  { name: 'trades', value: (row) => row.trades },
  { name: 'open_positions', value: (row) => row.open_positions },
  { name: 'win_rate', value: (row) => row.win_rate },
  { name: 'profit_factor', value: (row) => row.profit_factor },
  { name: 'avg_win_usd', value: (row) => row.avg_win },
  { name: 'avg_loss_usd', value: (row) => row.avg_loss },
  { name: 'expectancy_usd', value: (row) => row.expectancy },
  { name: 'sharpe', value: (row) => row.sharpe },
  { name: 'days', value: (row) => row.days },
  { name: 'max_drawdown', value: (row) => row.max_drawdown },
  { name: 'average_hold_s', value: (row) => row.average_hold_s },
]
