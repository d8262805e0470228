import { MarketsPanel } from '../../features/polymarket/MarketsPanel'
import { Page } from '../../ui/Page'

export default function Polymarket() {
  return (
    <Page title="Polymarket">
      <MarketsPanel />
    </Page>
  )
}
