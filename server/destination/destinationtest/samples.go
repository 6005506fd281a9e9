// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// WriteSample keeps what a picture in the docs is made of, an Adaptive Card's JSON or a mail's HTML, in the directory that
// the variable SAMPLES names; make pictures sets it. Without it there is nothing to keep.
func WriteSample(t testing.TB, name string, content []byte) {
	t.Helper()
	dir := os.Getenv("SAMPLES")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Critical returns an alert as detections for clouds make them, with prose for a runbook and a context that is worth
// folding.
func Critical() *destination.Message {
	created := time.Date(2026, time.November, 21, 3, 35, 21, 0, time.UTC)
	return &destination.Message{
		Alert: &alert.Alert{
			ID:        "8e1f3c7a9b2d4f60",
			Type:      alert.Rule,
			CreatedAt: alert.Time{Time: created},
			Link:      "https://alerts.example.com/alerts/8e1f3c7a9b2d4f60",
			LogTypes:  []string{"AWS.CloudTrail"},
			Dedup:     "arn:aws:iam::123456789012:user/build-agent",
			Detection: alert.Detection{
				ID:       "AWS.CloudTrail.LoggingStopped",
				Name:     "CloudTrail logging was stopped",
				Version:  "12",
				Severity: "CRITICAL",
				Description: "A trail stopped recording what happens in the account. Attackers do this first, so that what they do next leaves no trace. " +
					"Legitimate changes are announced in advance and made by the platform team.",
				Runbook: "1. Ask the owner of the key whether the change was announced.\n" +
					"2. Switch logging on again, and look at the sessions of the key in the hour before.\n" +
					"3. If nobody knows of it, disable the key and open an incident.",
				Reference: "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html",
				Tags:      []string{"AWS", "Defense Evasion:Impair Defenses", "MITRE:T1562.008"},
			},
			Generated: alert.Generated{
				Title: new("CloudTrail logging stopped for org-trail in 123456789012 by user/build-agent"),
			},
			Context: json.RawMessage(`{"eventName":"StopLogging","eventTime":"2026-11-21T03:34:58Z","awsRegion":"eu-central-1",` +
				`"sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.31.4","userIdentity":{"type":"IAMUser",` +
				`"arn":"arn:aws:iam::123456789012:user/build-agent","accessKeyId":"AKIAIOSFODNN7EXAMPLE"},` +
				`"requestParameters":{"name":"arn:aws:cloudtrail:eu-central-1:123456789012:trail/org-trail"},"mfa":false}`),
		},
		AlertID:    "8e1f3c7a9b2d4f60",
		Severity:   alert.Critical,
		CreatedAt:  created,
		Link:       "https://alerts.example.com/alerts/8e1f3c7a9b2d4f60",
		DeliveryID: "0199a1b2c3d47e5f8a9b0c1d2e3f40510002",
		Attempt:    1,
	}
}
