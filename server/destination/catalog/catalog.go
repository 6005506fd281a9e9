// SPDX-License-Identifier: MPL-2.0

// Package catalog lists the destination types. A type that is not listed here does not exist for the server.
package catalog

import (
	"slices"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	amazonsns "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sns"
	amazonsqs "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sqs"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/asana"
	blinkops "github.com/alertrouter/terraform-provider-alertrouter/server/destination/blink_ops"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/discord"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/email"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/github"
	jiracloud "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_cloud"
	jiradatacenter "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_data_center"
	teams "github.com/alertrouter/terraform-provider-alertrouter/server/destination/microsoft_teams"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/opsgenie"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/pagerduty"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/slack"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/webhook"
)

// Types returns every destination type, sorted by name.
func Types() []destination.Type {
	return []destination.Type{
		amazonsns.Type,
		amazonsqs.Type,
		asana.Type,
		blinkops.Type,
		discord.Type,
		email.Type,
		github.Type,
		jiracloud.Type,
		jiradatacenter.Type,
		teams.Type,
		opsgenie.Type,
		pagerduty.Type,
		slack.Type,
		webhook.Type,
	}
}

// Lookup returns the type of a name; ok is false when there is none.
func Lookup(name string) (t destination.Type, ok bool) {
	types := Types()
	i := slices.IndexFunc(types, func(t destination.Type) bool { return t.Name == name })
	if i < 0 {
		return destination.Type{}, false
	}
	return types[i], true
}
