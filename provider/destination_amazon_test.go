// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestAmazon_RefusesWhatCannotBeWhenThePlanIsMade has many wrong topics and queues in one plan, which names each.
func TestAmazon_RefusesWhatCannotBeWhenThePlanIsMade(t *testing.T) {
	w := newWorld(t)
	const (
		topic = "topic_arn = \"arn:aws:sns:us-east-1:123456789012:alerts\"\n"
		queue = "queue_url = \"https://sqs.us-east-1.amazonaws.com/123456789012/alerts\"\n"
		fifo  = "queue_url = \"https://sqs.us-east-1.amazonaws.com/123456789012/alerts.fifo\"\n"
		role  = "role_arn = \"arn:aws:iam::123456789012:role/alerts\"\n"
	)
	wrong := []struct{ kind, beside, attribute, value string }{
		{"sns", "", "topic_arn", `"alerts"`},
		{"sns", "", "topic_arn", `"arn:aws:sqs:us-east-1:123456789012:alerts"`},
		{"sns", topic, "message_structure", `"xml"`},
		{"sns", topic, "message_group_id", `"a b"`},
		{"sns", topic, "max_message_bytes", `1000`},
		{"sns", topic, "region", `"virginia"`},
		{"sns", topic, "endpoint_url", `"sns.us-east-1.amazonaws.com"`},
		{"sns", topic, "access_key_id", `"AKIA EXAMPLE"`},
		{"sns", topic, "role_arn", `"alerts"`},
		{"sns", topic + role, "external_id", `"a b"`},
		{"sns", topic + role, "role_session_name", `"a/b"`},
		{"sns", topic, "external_id", `"abc"`},
		{"sns", topic, "role_session_name", `"abc"`},
		{"sns", topic, "sts_endpoint_url", `"https://sts.example.com"`},
		{"sqs", "", "queue_url", `"https://sqs.us-east-1.amazonaws.com/alerts"`},
		{"sqs", "", "queue_url", `"arn:aws:sqs:us-east-1:123456789012:alerts"`},
		{"sqs", queue, "delay_seconds", `901`},
		{"sqs", fifo, "delay_seconds", `1`},
		{"sqs", queue, "max_message_bytes", `1048577`},
		{"sqs", queue, "profile", `"a\nb"`},
	}
	config := enginetest.RequiredProviders
	for i, c := range wrong {
		config += fmt.Sprintf("resource \"alertrouter_destination_amazon_%s\" \"n%d\" {\n  display_name = \"%d\"\n  severities = []\n  %s  %s = %s\n}\n",
			c.kind, i, i, c.beside, c.attribute, c.value)
	}
	config += "resource \"alertrouter_destination_amazon_sns\" \"both\" {\n  display_name = \"both\"\n  severities = []\n  " + topic +
		"  profile = \"a\"\n  access_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n}\n"
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	out, err := work.Run(t, "plan", "-no-color")
	if err == nil {
		t.Fatalf("nothing was refused:\n%s", out)
	}
	for i, c := range wrong {
		if !regexp.MustCompile(fmt.Sprintf(`(?s)with alertrouter_destination_amazon_%s\.n%d,[^\n]*\n[^\n]*\n[^\n]*\d+:\s+%s = `, c.kind, i, c.attribute)).MatchString(out) {
			t.Errorf("%s = %s is not refused on its line", c.attribute, c.value)
		}
	}
	if !regexp.MustCompile(`(?s)with alertrouter_destination_amazon_sns\.both,`).MatchString(out) {
		t.Error("a profile beside an access key is not refused")
	}
	if t.Failed() {
		t.Log(out)
	}
}
