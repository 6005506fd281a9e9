// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// addTaken reports that another destination has the planned display name. That is an error, unless the other one is
// Terraform's as well: this very plan may free the name then, as a replacement does.
func (r *destinationResource) addTaken(ctx context.Context, creating bool, name string, diags *diag.Diagnostics) {
	at := path.Root("display_name")
	warn := func() {
		diags.AddAttributeWarning(at, "The display name is taken now",
			fmt.Sprintf("Another destination has the display name %q. Apply fails unless this plan frees the name before: it removes, renames or replaces the destination that has it. "+
				"Two that swap their names need an apply in between, with another name.", name))
	}
	asking, cancel := context.WithTimeout(ctx, validateTimeout)
	defer cancel()
	found, err := client.OK(r.api.ListDestinationsWithResponse(asking, &client.ListDestinationsParams{DisplayName: &name}))
	if err != nil {
		warn()
		return
	}
	if len(found.Items) == 0 {
		return // it is free by now
	}
	owner := found.Items[0]
	switch {
	case r.session.owned.await(ctx, owner.ID):
		warn()
	case creating:
		diags.AddAttributeError(at, "The display name is taken", taken(owner)+"\n\n"+adoption(owner)+"\n\n"+
			"Or choose another name. If this configuration has that destination under another address, say so with a moved block. "+
			"If that destination is the one to be replaced, take create_before_destroy out of its lifecycle block: two cannot have one name. "+unseen)
	default: // what has the name may depend on this very resource, and so come later
		warn()
	}
}

// unseen is why a destination that is Terraform's may be taken for one that is not.
const unseen = "With -refresh=false a destination that is tainted cannot be told from one that is not Terraform's, nor any that is left out with -target, or comes later with -parallelism=1: plan without these."

// addTwin reports that two resources of one plan are to have one name or id.
func addTwin(at path.Path, what string, diags *diag.Diagnostics) {
	diags.AddAttributeError(at, "Two resources are the same", fmt.Sprintf("Another resource of this configuration has this %s as well: only one of them could be made.", what))
}

func taken(owner client.Destination) string {
	return fmt.Sprintf("The %s destination %s has the display name %q, and this plan has not shown that Terraform manages it.", owner.Type, owner.ID, owner.DisplayName)
}

// adoption shows how to take over a destination that exists. The provider does not know the name of the resource.
func adoption(owner client.Destination) string {
	return fmt.Sprintf("To manage it here, import it, with the name of the resource for NAME:\n\n"+
		"  import {\n    to = alertrouter_destination_%s.NAME\n    id = %q\n  }", owner.Type, owner.ID)
}
