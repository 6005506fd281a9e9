// SPDX-License-Identifier: MPL-2.0

package amazon_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon/amazontest"
	amazonsns "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sns"
	amazonsqs "github.com/alertrouter/terraform-provider-alertrouter/server/destination/amazon_sqs"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

// service is a type and the least of a config it has.
type service struct {
	typ    destination.Type
	config amazontest.Config
	action string
}

var services = map[string]service{
	"SNS": {amazonsns.Type, amazontest.Config{"topic_arn": "arn:aws:sns:us-east-1:123456789012:alerts"}, "Publish"},
	"SQS": {amazonsqs.Type, amazontest.Config{"queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/alerts"}, "SendMessage"},
}

// each runs a test for both services, at a stand-in of their own.
func each(t *testing.T, test func(t *testing.T, aws *amazontest.AWS, s service)) {
	t.Helper()
	for name, s := range services {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, amazontest.New(t), s)
		})
	}
}

// The outcomes that are told apart here: an error that needs an operator is retried a few times.
const needsOperator = "RETRY (operator)"

func outcomeOf(err error) string {
	outcome, _ := destination.OutcomeOf(err)
	if destination.NeedsOperator(err) && outcome == destination.OutcomeRetry {
		return needsOperator
	}
	return string(outcome)
}

func TestSend_ClassesEveryErrorCode(t *testing.T) {
	t.Parallel()
	type row struct {
		fault amazontest.Fault
		want  string
		says  string // what the error tells a person to do
	}
	both := []row{
		{amazontest.Fault{Status: 403, Code: "AccessDenied", Shape: "AccessDeniedException"}, "PERMANENT", "policy"},
		{amazontest.Fault{Status: 403, Code: "InvalidClientTokenId", Shape: "UnrecognizedClientException"}, "PERMANENT", "access key"},
		{amazontest.Fault{Status: 403, Code: "SignatureDoesNotMatch", Shape: "InvalidSignatureException"}, "PERMANENT", "secret access key"},
		{amazontest.Fault{Status: 403, Code: "SignatureDoesNotMatch", Message: "Signature expired: 20261121T033524Z is now earlier than 20261121T034000Z (20261121T035500Z - 15 min.)"}, needsOperator, "clock"},
		{amazontest.Fault{Status: 403, Code: "RequestTimeTooSkewed"}, needsOperator, "clock"},
		{amazontest.Fault{Status: 400, Code: "RequestExpired"}, needsOperator, "clock"},
		{amazontest.Fault{Status: 403, Code: "ExpiredToken", Shape: "ExpiredTokenException"}, "RETRY", "expired"},
		{amazontest.Fault{Status: 400, Code: "ThrottlingException"}, "RETRY", ""},
		{amazontest.Fault{Status: 400, Code: "Throttling"}, "RETRY", ""},
		{amazontest.Fault{Status: 503, Code: "ServiceUnavailable"}, "RETRY", ""},
		{amazontest.Fault{Status: 500, Code: "InternalFailure"}, "RETRY", ""},
		{amazontest.Fault{Status: 408, Code: "RequestTimeout"}, "RETRY", ""},
		{amazontest.Fault{Status: 400, Code: "OptInRequired"}, "PERMANENT", ""},
		{amazontest.Fault{Status: 400, Code: "SomethingNew"}, "PERMANENT", ""},
		{amazontest.Fault{Status: 500, Code: "SomethingNew"}, "RETRY", ""},
		{amazontest.Fault{Status: 429, Code: "SomethingNew"}, "RETRY", ""},
	}
	own := map[string][]row{
		"SNS": {
			{amazontest.Fault{Status: 400, Code: "InvalidParameter", Message: "Invalid parameter: TopicArn"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "InvalidParameter", Message: "Invalid parameter: Message too long"}, "PERMANENT", "max_message_bytes"},
			{amazontest.Fault{Status: 400, Code: "ParameterValueInvalid"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "ValidationException"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 404, Code: "NotFound", Message: "Topic does not exist"}, "PERMANENT", "region"},
			{amazontest.Fault{Status: 403, Code: "AuthorizationError"}, "PERMANENT", "policy"},
			{amazontest.Fault{Status: 403, Code: "InvalidSecurity"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "EndpointDisabled"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMSAccessDenied"}, "PERMANENT", "kms:GenerateDataKey"},
			{amazontest.Fault{Status: 400, Code: "KMSDisabled"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMSInvalidState"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMSNotFound"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 403, Code: "KMSOptInRequired"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMSThrottling"}, "RETRY", ""},
			{amazontest.Fault{Status: 429, Code: "Throttled"}, "RETRY", ""},
			{amazontest.Fault{Status: 500, Code: "InternalError"}, "RETRY", ""},
		},
		"SQS": {
			{amazontest.Fault{Status: 400, Code: "AWS.SimpleQueueService.NonExistentQueue", Shape: "QueueDoesNotExist"}, "PERMANENT", "region"},
			{amazontest.Fault{Status: 400, Code: "InvalidMessageContents"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "InvalidParameterValue"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 403, Code: "InvalidSecurity"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 404, Code: "InvalidAddress"}, "PERMANENT", "region"},
			{amazontest.Fault{Status: 400, Code: "AWS.SimpleQueueService.UnsupportedOperation", Shape: "UnsupportedOperation"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMS.AccessDeniedException", Shape: "KmsAccessDenied"}, "PERMANENT", "kms:GenerateDataKey"},
			{amazontest.Fault{Status: 400, Code: "KMS.DisabledException", Shape: "KmsDisabled"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMS.NotFoundException", Shape: "KmsNotFound"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 403, Code: "KMS.OptInRequired", Shape: "KmsOptInRequired"}, "PERMANENT", ""},
			{amazontest.Fault{Status: 400, Code: "KMS.ThrottlingException", Shape: "KmsThrottled"}, "RETRY", ""},
			{amazontest.Fault{Status: 400, Code: "KmsThrottled"}, "RETRY", ""},
			{amazontest.Fault{Status: 403, Code: "RequestThrottled"}, "RETRY", ""},
			{amazontest.Fault{Status: 403, Code: "OverLimit"}, "PERMANENT", ""},
		},
	}
	for name, s := range services {
		for _, row := range append(own[name], both...) {
			t.Run(name+" "+row.fault.Code, func(t *testing.T) {
				t.Parallel()
				aws := amazontest.New(t)
				sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Keys()).At(aws))
				aws.Next(row.fault)
				receipt, err := sender.Send(t.Context(), destinationtest.Message())
				if got := outcomeOf(err); got != row.want {
					t.Errorf("got %s (error %v), want %s", got, err, row.want)
				}
				if err == nil || !strings.Contains(err.Error(), row.says) {
					t.Errorf("got the error %v, want it to say %q", err, row.says)
				}
				if receipt.StatusCode != row.fault.Status || !strings.HasPrefix(receipt.Message, row.fault.Code) ||
					!strings.Contains(receipt.Message, row.fault.Message) || !strings.Contains(receipt.Message, amazontest.RequestID) {
					t.Errorf("got %+v, want the code, the message and the request's id", receipt)
				}
				if _, err = sender.Send(t.Context(), destinationtest.Message()); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}

func TestSend_HonoursRetryAfter(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Keys()).At(aws))
		for _, fault := range []amazontest.Fault{{Status: 400, Code: "ThrottlingException"}, {Status: 503, Code: "ServiceUnavailable"}, {Status: 503, Code: "New"}} {
			fault.Header = map[string]string{"Retry-After": "7"}
			aws.Next(fault)
			_, err := sender.Send(t.Context(), destinationtest.Message())
			if outcome, wait := destination.OutcomeOf(err); outcome != destination.OutcomeWait || wait != 7*time.Second {
				t.Errorf("%s: got %s after %s (error %v), want WAIT after 7s", fault.Code, outcome, wait, err)
			}
		}
	})
}

// TestSend_CorrectsItsClock shows why a wrong clock is not given up at once: the answer tells the time.
func TestSend_CorrectsItsClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Keys()).At(aws))
		aws.Next(amazontest.Fault{
			Status: 403, Code: "RequestTimeTooSkewed", Header: map[string]string{"Date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)},
		})
		for range 2 {
			_, _ = sender.Send(t.Context(), destinationtest.Message())
		}
		calls := aws.Calls("")
		at, err := time.Parse("20060102T150405Z", calls[1].Header.Get("X-Amz-Date"))
		if err != nil || time.Until(at) < 50*time.Minute {
			t.Errorf("the second attempt was signed at %s (error %v), want an hour from now", at, err)
		}
	})
}

func TestSend_ShowsNoSecretThatAWSQuotes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		aws.Roles["arn:aws:iam::123456789012:role/alerts"] = amazontest.Role{Lasts: time.Hour}
		sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Keys()).And(amazontest.Config{"role_arn": "arn:aws:iam::123456789012:role/alerts"}).At(aws))
		if _, err := sender.Send(t.Context(), destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		token := aws.Calls(s.action)[0].Header.Get("X-Amz-Security-Token")
		if token == "" {
			t.Fatal("the session has no token")
		}
		aws.Next(amazontest.Fault{
			Status: 403, Code: "SignatureDoesNotMatch",
			Message: "The Canonical String for this request should have been 'POST\n/\n\nx-amz-security-token:" + token + "\nsecretOfSession/1'",
		})
		receipt, err := sender.Send(t.Context(), destinationtest.Message())
		for _, text := range []string{receipt.Message, err.Error()} {
			if strings.Contains(text, token) || strings.Contains(text, "secretOfSession/1") {
				t.Errorf("got %q, which has a secret in it", text)
			}
		}
		if !strings.Contains(receipt.Message, "Canonical String") {
			t.Errorf("got %q, want what AWS says", receipt.Message)
		}
	})
}

func TestSend_OfAnswersThatAreNotAWSs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, aws *amazontest.AWS, s service) {
		sender := amazontest.Open(t, s.typ, s.config.And(amazontest.Keys()).At(aws))
		for page, want := range map[string]map[int]string{
			"<html><body>Bad gateway</body></html>": {200: "AMBIGUOUS", 302: "PERMANENT", 403: "PERMANENT", 502: "RETRY"},
			`{"message":"upstream"}`:                {200: "AMBIGUOUS", 302: "PERMANENT", 403: "PERMANENT", 502: "RETRY"},
		} {
			for status, want := range want {
				aws.NextRaw(func(w http.ResponseWriter, _ bool) {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, page)
				})
				receipt, err := sender.Send(t.Context(), destinationtest.Message())
				if got := outcomeOf(err); got != want || receipt.StatusCode != status || receipt.Message != page {
					t.Errorf("%d %s: got %s, %+v (error %v), want %s", status, page, got, receipt, err, want)
				}
			}
		}
	})
}
