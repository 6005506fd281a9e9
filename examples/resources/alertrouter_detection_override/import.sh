# By the id of the detection.
terraform import alertrouter_detection_override.root_login AWS.Console.RootLogin
