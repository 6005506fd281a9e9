// SPDX-License-Identifier: MPL-2.0

package email_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

// Pictures for the documentation are made of the HTML that -pictures writes:
//
//	go test ./server/destination/email -run Pictures -pictures DIR
var pictures = flag.String("pictures", "", "the directory to write the HTML of sample mails to")

func TestPictures(t *testing.T) {
	t.Parallel()
	critical := destinationtest.Message()
	critical.Severity = alert.Critical
	for name, m := range map[string]*destination.Message{"email-alert": critical, "email-test": destinationtest.Test()} {
		page := partsOf(t, render(t, config{}, m)).HTML
		if *pictures == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*pictures, name+".html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
