// SPDX-License-Identifier: MPL-2.0

package amazon

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// verdict is what an error code means for the next attempt.
type verdict int

const (
	byStatus  verdict = iota // the HTTP status decides, as for anybody
	later                    // it passes
	renew                    // it passes, with new credentials
	refused                  // the credentials are not taken: new ones are looked for, in case there is another attempt
	wrongTime                // it may pass: the SDK corrects its clock by the answer; otherwise somebody must
)

// verdictOf knows the codes whose HTTP status tells less than they do, or something else: AWS throttles with 400 and 403
// as well. The names differ with the service and the protocol.
//
//	https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
//	https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
//	https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
//	https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
//	https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
func verdictOf(code, message string) verdict {
	switch code {
	case "KMSThrottling", "KMSThrottlingException", "KmsThrottled", "KMS.ThrottlingException",
		"Throttled", "ThrottledException", "Throttling", "ThrottlingException",
		"RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
		"BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete", "TransactionInProgressException",
		"InternalError", "InternalFailure", "InternalErrorException", "ServiceUnavailable", "ServiceUnavailableException",
		"RequestTimeout", "RequestTimeoutException", "RequestAbortedException", "IDPCommunicationError":
		return later
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return renew
	case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture":
		return wrongTime
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		// The same code for a wrong key and a wrong time; only the words tell which.
		if strings.Contains(message, "Signature expired") || strings.Contains(message, "Signature not yet current") {
			return wrongTime
		}
		return refused
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidSecurity",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature", "IncompleteSignatureException":
		return refused
	}
	return byStatus
}

// hintOf says what a person can do about an error code; "" where AWS's own words say enough.
func hintOf(code, message string) string {
	switch verdictOf(code, message) {
	case renew:
		return "the credentials have expired; new ones are looked for at the next attempt. Static keys with a session token must be replaced"
	case wrongTime:
		return "the server's clock is wrong"
	case refused:
		if strings.Contains(code, "Signature") {
			return "check the secret access key, and the server's clock"
		}
		return "AWS does not know the access key: check that it exists, is active and belongs to this partition, and that a session token is set where it is a temporary one"
	}
	switch code {
	case "AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException", "NotAuthorized":
		return "check the policy of the identity that calls, and that of the topic, queue or role"
	case "KMSAccessDenied", "KmsAccessDenied", "KMSAccessDeniedException", "KMS.AccessDeniedException":
		return "the identity needs kms:GenerateDataKey and kms:Decrypt on the key that encrypts the topic or queue"
	case "NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "InvalidAddress":
		return "check the name, the account and the region of the topic or queue"
	}
	if _, tooLong := tooLong(message); tooLong {
		return "set max_message_bytes to the MaximumMessageSize of the topic or queue"
	}
	return ""
}

// over is what AWS says of a message that is over the topic's or queue's own limit, with the code of a wrong parameter. SQS
// names the limit: a queue from before August 2025 has 256 KiB unless somebody raised it.
var over = regexp.MustCompile(`Message too long|Message must be shorter than (\d{1,7}) bytes`)

// tooLong finds that in AWS's words, and the limit if they name one that an alert can be brought under.
func tooLong(message string) (limit int, ok bool) {
	found := over.FindStringSubmatch(message)
	if found == nil {
		return 0, false
	}
	if limit, _ = strconv.Atoi(found[1]); limit < LeastMessage {
		limit = 0
	}
	return limit, true
}

// Error is what AWS said in place of doing as it was asked.
type Error struct {
	Code      string
	Message   string
	RequestID string
}

// Error returns all that AWS said.
func (e *Error) Error() string {
	text := e.Code
	if e.Message != "" && e.Message != e.Code {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// errorOf finds AWS's own error in one of the SDK's; nil when it says nothing that AWS would.
func errorOf(err error, resp *outbound.Response) *Error {
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok || said.ErrorCode() == "" || said.ErrorCode() == "UnknownError" {
		return nil
	}
	e := &Error{Code: said.ErrorCode(), Message: said.ErrorMessage()}
	if id, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err); ok {
		e.RequestID = id.ServiceRequestID()
	}
	if e.RequestID == "" {
		e.RequestID = resp.Header.Get("X-Amzn-Requestid")
	}
	return e
}

// needsOperator marks an error as worth a few tries, and likely to stay until somebody mends something.
type needsOperator struct{ error }

func (e needsOperator) Unwrap() error { return e.error }

func (e needsOperator) Is(target error) bool { return target == outbound.ErrNeedsOperator }
