import { ParityPanel } from '../../features/parity/ParityPanel'
import { Page } from '../../ui/Page'

export default function Parity() {
  return (
    <Page title="Parity">
      <ParityPanel />
    </Page>
  )
}
