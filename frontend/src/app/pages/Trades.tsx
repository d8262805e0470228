import { TradesPanel } from '../../features/trades/TradesPanel'
import { Page } from '../../ui/Page'

export default function Trades() {
  return (
    <Page title="Trades">
      <TradesPanel />
    </Page>
  )
}
